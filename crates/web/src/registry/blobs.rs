//! `/v2/…/blobs/…`: blobs, whole or in ranges. Many ranges in one request are answered with exactly those parts in that
//! order, which clients of chunked-zstd layers rely on.

use std::ops::Range;

use app::App;
use app::clock::new_id;
use app::registry::{Caller, Fault, FoundBlob, PushPass, Refusal, delete_blob, find_blob};
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use futures_util::stream::{StreamExt as _, iter};
use oci::range::{ByteRange, Ranges};
use oci::{Digest, ErrorCode, RepositoryName};

use super::Registry;
use super::answer::{Failure, empty, value};
use super::conditions::{Freshness, name_content, not_modified, range_applies};
use super::redirect::redirect;
use super::slices::{Bytewise, Slices, open};
use crate::line::Files;

/// Each part of an object in a store is a request there. Whoever asks for more of them gets the whole blob, which RFC 9110
/// §14.2 allows.
const FAR_PARTS_MAX: usize = 64;

pub(super) async fn get(
    registry: &Registry,
    caller: &Caller,
    parts: &Parts,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response<Body>, Failure> {
    let app = &registry.app;
    let (headers, head) = (&parts.headers, parts.method == Method::HEAD);
    let found = find(registry, caller, repository, digest).await?;
    let freshness = if found.public {
        Freshness::Immutable
    } else {
        Freshness::Private
    };
    let size = found.size;
    let known = not_modified(headers, digest);
    let asked = headers
        .get(RANGE)
        .filter(|_| range_applies(headers, digest));
    let asked = Ranges::parse(asked.and_then(|range| range.to_str().ok()), size);
    // The store reads one range at most, and knows nothing of our entity tags.
    let simple = match &asked {
        Ranges::Whole => true,
        Ranges::Partial(ranges) => ranges.len() == 1,
        Ranges::Unsatisfiable => false,
    };
    if !head
        && !known
        && simple
        && !headers.contains_key(IF_RANGE)
        && let Some(elsewhere) = redirect(registry, digest, found).await?
    {
        return Ok(elsewhere);
    }
    let mut response = if known {
        empty(StatusCode::NOT_MODIFIED)
    } else if head {
        // A client that is about to push believes this answer, so it must be about bytes, not about rows.
        let there = app.blobs.size(digest).await.map_err(Refusal::storage)?;
        if there != Some(size) {
            return Err(lost(digest));
        }
        whole(size, Body::empty())
    } else {
        let files = parts.extensions.get::<Option<Files>>().cloned();
        let opened = open(app, (digest, size), files.flatten()).await?;
        let blob = opened.ok_or_else(|| lost(digest))?;
        match asked {
            Ranges::Whole => whole(size, Body::from_stream(blob.slices(0..size))),
            Ranges::Partial(ranges) => match ranges.as_slice() {
                [range] => part(&blob, *range, size),
                many if blob.is_far() && many.len() > FAR_PARTS_MAX => {
                    whole(size, Body::from_stream(blob.slices(0..size)))
                }
                many => many_parts(&blob, many, size),
            },
            Ranges::Unsatisfiable => return Err(Failure::Unsatisfiable(size)),
        }
    };
    let answer = response.headers_mut();
    name_content(answer, digest, freshness);
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

async fn find(
    registry: &Registry,
    caller: &Caller,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<FoundBlob, Refusal> {
    let (app, shelf) = (&registry.app, &registry.shelf);
    let version = shelf.version(app).await?;
    if let Some(found) = shelf.blob(version, repository, digest) {
        return Ok(found);
    }
    let found = find_blob(app, caller, repository, digest).await?;
    shelf.keep_blob(version, repository, digest, found);
    Ok(found)
}

/// Metadata knows the blob, storage does not. Clients that push may send it again, which mends it.
pub(super) fn lost(digest: &Digest) -> Failure {
    tracing::error!(%digest, "a blob is linked, but its bytes are not in storage");
    let message = format!("the bytes of {digest} are not in storage; push the blob again");
    Failure::Refusal(Refusal::NotFound(Fault::new(
        ErrorCode::BlobUnknown,
        message,
    )))
}

fn octets(status: StatusCode, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn whole(size: u64, body: Body) -> Response<Body> {
    octets(StatusCode::OK, size, body)
}

fn span(range: ByteRange) -> Range<u64> {
    range.first..range.last + 1
}

fn part(blob: &Bytewise, range: ByteRange, size: u64) -> Response<Body> {
    let body = Body::from_stream(blob.slices(span(range)));
    let mut response = octets(StatusCode::PARTIAL_CONTENT, range.len(), body);
    response
        .headers_mut()
        .insert(CONTENT_RANGE, value(&range.content_range(size)));
    response
}

/// `multipart/byteranges` (RFC 9110 §14.6).
fn many_parts(blob: &Bytewise, ranges: &[ByteRange], size: u64) -> Response<Body> {
    let boundary = format!("edgemart-{}", new_id());
    let mut length = 0;
    let mut pieces: Vec<(Bytes, ByteRange)> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let before = if pieces.is_empty() { "" } else { "\r\n" };
        let head = format!(
            "{before}--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: {}\r\n\r\n",
            range.content_range(size)
        );
        length += u64::try_from(head.len()).unwrap_or(u64::MAX) + range.len();
        pieces.push((Bytes::from(head), *range));
    }
    let close = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    length += u64::try_from(close.len()).unwrap_or(u64::MAX);
    let blob = blob.clone();
    let body = iter(pieces).flat_map(move |(head, range)| -> Slices {
        iter([Ok(head)]).chain(lazily(blob.clone(), range)).boxed()
    });
    let body = Body::from_stream(body.chain(iter([Ok(close)])));
    let mut response = octets(StatusCode::PARTIAL_CONTENT, length, body);
    let content_type = value(&format!("multipart/byteranges; boundary={boundary}"));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Reading begins when the part's turn has come, not for a thousand parts at once.
fn lazily(blob: Bytewise, range: ByteRange) -> Slices {
    futures_util::stream::once(async move { blob.slices(span(range)) })
        .flatten()
        .boxed()
}

pub(super) async fn delete(
    app: &App,
    pass: &PushPass,
    digest: &Digest,
) -> Result<Response<Body>, Failure> {
    delete_blob(app, pass, digest).await?;
    Ok(empty(StatusCode::ACCEPTED))
}
