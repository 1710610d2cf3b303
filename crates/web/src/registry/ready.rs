//! A manifest as an answer that only needs to be sent: bytes, header values and the counter of its pulls. Made once for
//! each name; a pull of a public one costs a look into the shelf and no more.

use app::registry::{FoundManifest, PullCount};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use oci::Reference;

use super::answer::empty;
use super::conditions::{ContentName, Freshness, not_modified};
use super::shelf::Kept;
use super::warning::warn;

/// Headers of a whole answer, those of every answer included.
const ANSWER_HEADERS: usize = 12;

/// See the module.
pub(super) struct Ready {
    found: FoundManifest,
    name: ContentName,
    content_type: HeaderValue,
    length: HeaderValue,
    bytes: Bytes,
    /// Of released images only; what publishers keep for themselves is not counted.
    pulls: Option<PullCount>,
}

impl Ready {
    /// Prepares the answer to `reference`.
    pub(super) fn new(
        found: FoundManifest,
        reference: &Reference,
        kept: Kept,
        pulls: Option<PullCount>,
    ) -> Self {
        let freshness = match (found.public, reference) {
            (false, _) => Freshness::Private,
            (true, Reference::Tag(_)) => Freshness::Revalidated,
            (true, Reference::Digest(_)) => Freshness::Immutable,
        };
        Self {
            name: ContentName::new(&found.digest, freshness),
            found,
            content_type: kept.content_type,
            length: HeaderValue::from(kept.bytes.len()),
            bytes: kept.bytes,
            pulls,
        }
    }

    /// Whether anyone may have it.
    pub(super) fn public(&self) -> bool {
        self.found.public
    }

    /// Bytes of the manifest.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The answer to a request with these headers. A pull is counted when the manifest itself goes out.
    pub(super) fn answer(&self, headers: &HeaderMap, head: bool) -> Response<Body> {
        if not_modified(headers, &self.found.digest) {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            self.name.write(response.headers_mut());
            self.warn(response.headers_mut());
            return response;
        }
        if let Some(pulls) = self.pulls.as_ref().filter(|_| !head) {
            pulls.pulled();
        }
        let mut response = Response::new(Body::from(self.bytes.clone()));
        let answer = response.headers_mut();
        answer.reserve(ANSWER_HEADERS);
        answer.insert(CONTENT_TYPE, self.content_type.clone());
        answer.insert(CONTENT_LENGTH, self.length.clone());
        self.name.write(answer);
        self.warn(answer);
        response
    }

    /// Says that the module is no longer offered, if so.
    fn warn(&self, headers: &mut HeaderMap) {
        if let Some(text) = &self.found.warning {
            warn(headers, text);
        }
    }
}
