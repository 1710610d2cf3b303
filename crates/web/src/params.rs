//! What stands in an address: the names in its path and the fields of its query, read leniently and bounded.
//! Wrong ones answer as a [`Problem`]; a name that cannot exist answers like one that does not.

use axum::extract::{FromRequestParts, RawPathParams};
use domain::ids::{OfferKey, PublisherId};
use http::request::Parts;

use crate::form;
use crate::problem::Problem;

/// Longest query string, in bytes.
pub(crate) const QUERY_BYTES_MAX: usize = 16 * 1024;

/// The fields of a query string, in order; names may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) Vec<(String, String)>);

impl Params {
    /// The first value of a field; empty when it was not given.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Was the field given at all?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Every value of a field, repeated or separated by commas, each once.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        let same = self.0.iter().filter(|(key, _)| key == name);
        for value in same.flat_map(|(_, value)| value.split(',')).map(str::trim) {
            if !value.is_empty() && !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        values
    }

    /// Every field whose name begins so, with the rest of the name.
    pub(crate) fn starting<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > QUERY_BYTES_MAX {
            return Err(Problem::bad_request(format!(
                "The query of an address is at most {QUERY_BYTES_MAX} bytes; this one has {}. Shorten it.",
                query.len()
            )));
        }
        form::parse(query.as_bytes()).map(Self)
    }
}

/// The names in a path.
#[derive(Clone, Debug)]
pub(crate) struct Places(Vec<(String, String)>);

impl Places {
    /// A name as it stands in the path.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// `{publisher}`.
    pub(crate) fn publisher(&self) -> Result<PublisherId, Problem> {
        let id = self.text("publisher").parse();
        id.map_err(|_| Problem::not_found("publisher of that name"))
    }

    /// `{publisher}` and `{offer}`.
    pub(crate) fn offer(&self) -> Result<OfferKey, Problem> {
        let name = self.text("offer").parse();
        Ok(OfferKey {
            publisher: self.publisher()?,
            offer: name.map_err(|_| Problem::not_found("module of that name"))?,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Places {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, state).await;
        let raw = raw.map_err(|_| Problem::not_found("such thing"))?;
        let owned = raw
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        Ok(Self(owned.collect()))
    }
}

/// Writes a query string: only what has a value, in the order given.
pub(crate) fn write_query<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// An address with a query, or without one when there is nothing to say.
pub(crate) fn address<'a>(
    path: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let query = write_query(fields);
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, address};

    #[test]
    fn values_repeat_or_stand_in_lists() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let params = Params(vec![
            pair("p", "a,b"),
            pair("p", "b"),
            pair("p", " c ,"),
            pair("q", "x"),
        ]);
        assert_eq!(params.list("p"), ["a", "b", "c"]);
        assert_eq!(params.get("q"), "x");
        assert!(params.list("none").is_empty());
    }

    #[test]
    fn addresses_keep_their_values_inert() {
        assert_eq!(address("/m", [("q", "a&b=c"), ("x", "")]), "/m?q=a%26b%3Dc");
        assert_eq!(address("/m", [("q", "")]), "/m");
    }
}
