//! The query of a request under `/v2`, percent-decoded.
//!
//! A plus sign stays a plus sign: media types hold them (`artifactType=application/x+json`), and no parameter here can
//! hold a space.

use crate::excerpt::excerpt;
use crate::operation::ParseError;

/// The longest query that is read, in bytes; 64 tags and a digest fit.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;

/// The most parameters in one query.
pub const QUERY_PARAMETERS_MAX: usize = 96;

/// The longest value of `last` and `artifactType`, in bytes.
const TEXT_BYTES_MAX: usize = 300;

#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        if text.len() > QUERY_BYTES_MAX || pairs.clone().count() > QUERY_PARAMETERS_MAX {
            return Err(ParseError::QueryTooLong);
        }
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).unwrap_or_else(|| name.to_owned());
            match decode(value) {
                Some(value) => Ok((name, value)),
                None => Err(ParseError::ParameterInvalid {
                    name: "query",
                    found: excerpt(pair),
                    reason: "a '%' must be followed by two hex digits, and the decoded bytes must be UTF-8",
                }),
            }
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// Every value of `name`, in order.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be given once; an empty value counts as absent.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, ParseError> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(ParseError::ParameterRepeated { name }),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    }

    /// `n`: a count. Digits only; a number past `u64` counts as the largest.
    pub(super) fn count(&self) -> Result<Option<u64>, ParseError> {
        match self.one("n")? {
            None => Ok(None),
            Some(value) if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Some(value.parse().unwrap_or(u64::MAX)))
            }
            Some(value) => Err(ParseError::ParameterInvalid {
                name: "n",
                found: excerpt(value),
                reason: "it must be a whole number, 0 or more",
            }),
        }
    }

    /// A short text without control characters.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, ParseError> {
        match self.one(name)? {
            None => Ok(None),
            Some(value)
                if value.len() <= TEXT_BYTES_MAX && !value.chars().any(char::is_control) =>
            {
                Ok(Some(value.to_owned()))
            }
            Some(value) => Err(ParseError::ParameterInvalid {
                name,
                found: excerpt(value),
                reason: "it must have at most 300 bytes and no control characters",
            }),
        }
    }
}

/// Percent-decodes; `None` for a broken escape or bytes that are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding() {
        let query = Query::parse("a=%73ha&b=x+y%2Bz&&c&d=&a=2&%6e=7").unwrap();
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["sha", "2"]);
        assert_eq!(query.one("b").unwrap(), Some("x+y+z"));
        assert_eq!(
            (query.one("c").unwrap(), query.one("d").unwrap()),
            (None, None)
        );
        assert_eq!(query.count().unwrap(), Some(7));
        assert_eq!(
            query.one("a"),
            Err(ParseError::ParameterRepeated { name: "a" })
        );
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%+1", "a=%é"] {
            assert!(
                matches!(
                    Query::parse(broken),
                    Err(ParseError::ParameterInvalid { .. })
                ),
                "{broken}"
            );
        }
    }

    #[test]
    fn limits() {
        assert!(matches!(
            Query::parse(&"a".repeat(QUERY_BYTES_MAX + 1)),
            Err(ParseError::QueryTooLong)
        ));
        assert!(Query::parse(&"a&".repeat(QUERY_PARAMETERS_MAX)).is_ok());
        assert!(matches!(
            Query::parse(&"a&".repeat(QUERY_PARAMETERS_MAX + 1)),
            Err(ParseError::QueryTooLong)
        ));
    }
}
