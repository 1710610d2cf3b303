//! Conditional requests on content-addressed things: the entity tag is the digest in quotes, always strong, so
//! `If-None-Match` and `If-Range` are comparisons of digests (RFC 9110 §13.1.2, §13.1.5).

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderName, IF_NONE_MATCH, IF_RANGE};
use oci::Digest;

use super::answer::value;

/// `Docker-Content-Digest`.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// By digest, public: for ever, by anyone.
    Immutable,
    /// By tag, public: kept, but asked again each time.
    Revalidated,
    /// Not public: kept by the caller alone, and asked again each time.
    Private,
}

impl Freshness {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidated => "no-cache",
            Self::Private => "private, no-cache",
        })
    }
}

/// What names a content in the headers of an answer.
pub(super) struct ContentName {
    digest: HeaderValue,
    tag: HeaderValue,
    freshness: HeaderValue,
}

impl ContentName {
    /// Of a digest, for as long as it may be kept.
    pub(super) fn new(digest: &Digest, freshness: Freshness) -> Self {
        Self {
            digest: value(digest.as_str()),
            tag: value(&format!("\"{digest}\"")),
            freshness: freshness.header(),
        }
    }

    /// Writes the headers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_DIGEST, self.digest.clone());
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, self.freshness.clone());
    }
}

/// Names the content in the headers of an answer.
pub(super) fn name_content(headers: &mut HeaderMap, digest: &Digest, freshness: Freshness) {
    ContentName::new(digest, freshness).write(headers);
}

/// Whether the client has this content already.
pub(super) fn not_modified(headers: &HeaderMap, digest: &Digest) -> bool {
    given(headers).any(|tag| tag == "*" || unquoted(tag) == Some(digest.as_str()))
}

/// Whether the client has what this entity tag names.
pub(super) fn names_tag(headers: &HeaderMap, tag: &str) -> bool {
    given(headers).any(|one| one == "*" || one == weakly(tag))
}

/// The entity tags of `If-None-Match`, as they are compared.
fn given(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(','))
        .map(weakly)
}

/// Without the mark of a weak tag (RFC 9110 §8.8.3.2).
fn weakly(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Whether a `Range` counts: always without `If-Range`, else only for the very same content. We never send a
/// `Last-Modified`, so a date in `If-Range` cannot be ours.
pub(super) fn range_applies(headers: &HeaderMap, digest: &Digest) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(header) => {
            header.to_str().ok().and_then(|tag| unquoted(tag.trim())) == Some(digest.as_str())
        }
    }
}

fn unquoted(tag: &str) -> Option<&str> {
    tag.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(text).unwrap());
        headers
    }

    #[test]
    fn tags_are_compared_as_the_protocol_says() {
        let digest = Digest::sha256_of(b"x");
        let other = Digest::sha256_of(b"y");
        for (text, same) in [
            (format!("\"{digest}\""), true),
            (format!("W/\"{digest}\""), true),
            (format!("\"{other}\", \"{digest}\""), true),
            ("*".to_owned(), true),
            (format!("\"{other}\""), false),
            (digest.to_string(), false),
            (String::new(), false),
        ] {
            assert_eq!(
                not_modified(&with(IF_NONE_MATCH, &text), &digest),
                same,
                "{text}"
            );
        }
        assert!(!not_modified(&HeaderMap::new(), &digest));
        assert!(range_applies(&HeaderMap::new(), &digest));
        assert!(range_applies(
            &with(IF_RANGE, &format!("\"{digest}\"")),
            &digest
        ));
        for text in [
            format!("W/\"{digest}\""),
            format!("\"{other}\""),
            "Sat, 01 Jan 2022 00:00:00 GMT".to_owned(),
        ] {
            assert!(!range_applies(&with(IF_RANGE, &text), &digest), "{text}");
        }
    }
}
