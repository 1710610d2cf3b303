//! Forms of our own pages. A form that changes something must come from this site (Origin, Fetch metadata) and, once
//! somebody is signed in, carry the session's anti-forgery token. Bounded; every value is plain text without NULs.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode;
use subtle::ConstantTimeEq as _;

use crate::body::whole;
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// Largest form, in bytes. Offers have long texts; logos go another way.
pub(crate) const FORM_BYTES_MAX: usize = 1024 * 1024;
/// Most fields of a form.
const FIELDS_MAX: usize = 2_000;

/// A checked form with the person who sent it.
pub(crate) struct Form {
    /// Who sent it.
    pub visitor: Visitor,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The value of a field; empty when it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A field as a fresh string, without blanks around it and with `\n` line ends.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).replace("\r\n", "\n").trim().to_owned()
    }

    /// Every value of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = self.fields.iter().filter(|(key, _)| key == name);
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// A ticked box.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Every field whose name begins so, with the rest of the name.
    pub(crate) fn starting<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }
}

fn forged(why: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This form did not come from here",
        format!("{why} Nothing was changed. Load the page again and repeat it."),
    )
}

/// Refuses a change that another site started.
pub(crate) fn check_origin(headers: &HeaderMap, web: &Web) -> Result<(), Problem> {
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    if matches!(site, Some("cross-site" | "same-site")) {
        return Err(forged("Another site sent it."));
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let ours = web.app.settings.public_url.origin().ascii_serialization();
    let host = headers
        .get(HOST)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    // Behind no proxy the browser's own address counts too, so that 127.0.0.1 and localhost both work.
    let here = [format!("http://{host}"), format!("https://{host}")];
    let given = origin.to_str().unwrap_or_default();
    if given == ours || here.iter().any(|h| h == given) {
        Ok(())
    } else {
        Err(forged("Another site sent it."))
    }
}

/// Refuses a change by a session whose token is not in the form.
pub(crate) fn check_csrf(visitor: &Visitor, given: &str) -> Result<(), Problem> {
    let Some(session) = &visitor.session else {
        return Ok(());
    };
    if bool::from(session.csrf.as_bytes().ct_eq(given.as_bytes())) {
        Ok(())
    } else {
        Err(forged("Its token is missing or old."))
    }
}

fn decode(text: &[u8]) -> Result<String, Problem> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    let text = decoded.map_err(|_| Problem::bad_request("A field is not UTF-8 text."))?;
    if text.contains('\0') {
        return Err(Problem::bad_request("A field contains a NUL character."));
    }
    Ok(text.into_owned())
}

pub(crate) fn parse(body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let mut fields = Vec::new();
    for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == FIELDS_MAX {
            return Err(Problem::bad_request("A form has at most 2,000 fields."));
        }
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let value = pair.get(at + 1..).unwrap_or_default();
        fields.push((decode(&pair[..at])?, decode(value)?));
    }
    Ok(fields)
}

impl FromRequest<Web> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, web)?;
        let visitor = Visitor::from_request_parts(&mut parts, web).await?;
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not a form",
                "This address takes a form (application/x-www-form-urlencoded).",
            ));
        }
        let body = whole(body, FORM_BYTES_MAX, "form").await?;
        let form = Self {
            fields: parse(&body)?,
            visitor,
        };
        check_csrf(&form.visitor, form.get("csrf"))?;
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn fields_are_decoded() {
        let fields = parse(b"a=1&b=x+y%26z&c&a=2&%C3%BC=").unwrap();
        let pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("a", "1"), ("b", "x y&z"), ("c", ""), ("a", "2"), ("ü", "")]
        );
    }

    #[test]
    fn nul_and_broken_text_are_refused() {
        assert!(parse(b"a=%00").is_err());
        assert!(parse(b"a=%ff").is_err());
        assert!(parse("a=1&".repeat(3_000).as_bytes()).is_err());
    }
}
