//! Shapes of answers: JSON with an ETag, 304 for who has it already, and pages of a list with an opaque cursor.

use app::catalog::Snapshot;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;

/// Items of a list unless asked otherwise.
pub(super) const PAGE_ITEMS: usize = 20;
/// Most items of a list.
pub(super) const PAGE_ITEMS_MAX: usize = 100;

/// JSON with a status. What somebody signed in sees is kept by nobody.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        Problem::failed()
    })?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// The tag of everything that is read from the catalog: it changes with the catalog and with the program that writes it.
fn catalog_tag(snapshot: &Snapshot) -> String {
    format!(
        "W/\"catalog-{}-{}\"",
        snapshot.version,
        env!("CARGO_PKG_VERSION")
    )
}

/// JSON out of the catalog; 304 when the client has it. `build` runs only when it has not.
pub(super) fn from_catalog<T: Serialize>(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    build: impl FnOnce() -> Result<T, Problem>,
) -> Result<Response, Problem> {
    let tag = catalog_tag(snapshot);
    let mut response = if names(headers, &IF_NONE_MATCH, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(StatusCode::OK, &build()?)?
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

/// Does a list of entity tags name this one? Compared weakly (RFC 9110 §8.8.3.2).
fn names(headers: &HeaderMap, header: &http::HeaderName, tag: &str) -> bool {
    let plain = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let given = headers
        .get_all(header)
        .iter()
        .filter_map(|value| value.to_str().ok());
    given
        .flat_map(|list| list.split(','))
        .any(|one| one.trim() == "*" || plain(one) == plain(tag))
}

/// Puts a revision into `ETag`.
pub(super) fn with_revision(mut response: Response, revision: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// What `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Nothing was said.
    Absent,
    /// `*`: whatever is there.
    Any,
    /// A revision.
    Revision(i64),
}

/// Reads `If-Match`.
pub(super) fn if_match(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(IfMatch::Absent);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(IfMatch::Any);
    }
    let digits = text.trim_start_matches("W/").trim_matches('"');
    digits.parse().map(IfMatch::Revision).map_err(|_| {
        Problem::bad_request(
            "`If-Match` is the ETag of the draft as it was read, such as `\"3\"`, or `*`.",
        )
    })
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Page {
    /// Reads `limit` and `cursor`.
    pub(super) fn read(params: &Params) -> Result<Self, Problem> {
        let limit = match params.get("limit") {
            "" => PAGE_ITEMS,
            text => text
                .parse()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| {
                    Problem::bad_request(format!("`limit` is a number from 1 to {PAGE_ITEMS_MAX}."))
                })?,
        };
        let offset = match params.get("cursor") {
            "" => 0,
            text => read_cursor(text).ok_or_else(|| {
                Problem::bad_request(
                    "`cursor` is the `next` of the page before, unchanged. Begin again without it.",
                )
            })?,
        };
        Ok(Self {
            offset,
            limit: limit.min(PAGE_ITEMS_MAX),
        })
    }

    /// The cursor of the part after this one, if there is more.
    pub(super) fn next(&self, total: usize) -> Option<String> {
        let after = self.offset.saturating_add(self.limit);
        (after < total).then(|| URL_SAFE_NO_PAD.encode(format!("1:{after}")))
    }

    /// This part of a whole list.
    pub(super) fn of<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

fn read_cursor(text: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("1:")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_continues_and_ends() {
        let first = Page {
            offset: 0,
            limit: 2,
        };
        let next = first.next(3).unwrap();
        let second = Page::read(&Params(vec![
            ("cursor".into(), next),
            ("limit".into(), "2".into()),
        ]))
        .unwrap();
        assert_eq!(
            second,
            Page {
                offset: 2,
                limit: 2
            }
        );
        assert_eq!(second.next(3), None);
        assert_eq!(second.of(vec![1, 2, 3]), [3]);
    }

    #[test]
    fn limits_and_cursors_that_are_none_are_refused() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "x"),
            ("limit", "-1"),
            ("cursor", "!"),
            ("cursor", "MjoxMA"),
        ] {
            assert!(
                Page::read(&Params(vec![(name.into(), value.into())])).is_err(),
                "{name}={value}"
            );
        }
        let large = Page::read(&Params(vec![("limit".into(), "9999".into())])).unwrap();
        assert_eq!(large.limit, PAGE_ITEMS_MAX);
    }

    #[test]
    fn revisions_are_read_from_if_match() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, HeaderValue::from_static(text));
            if_match(&headers)
        };
        assert_eq!(read("\"7\"").unwrap(), IfMatch::Revision(7));
        assert_eq!(read("W/\"7\"").unwrap(), IfMatch::Revision(7));
        assert_eq!(read("*").unwrap(), IfMatch::Any);
        assert!(read("seven").is_err());
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), IfMatch::Absent);
    }
}
