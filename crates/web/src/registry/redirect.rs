//! 307 to a signed address of the object store, where the operator decided so: large blobs then take the short way. Never
//! for `HEAD`, which clients ask before they push, nor for small blobs, where a second request costs more than it saves;
//! and what is not public is open there for a minute at most.

use std::time::Duration;

use app::registry::{FoundBlob, Refusal};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use oci::Digest;

use super::Registry;
use super::answer::{Failure, empty, value};
use super::blobs::lost;
use super::conditions::CONTENT_DIGEST;

/// Smallest blob that a client is sent elsewhere for.
const REDIRECT_BYTES_MIN: u64 = 64 * 1024;
/// Seconds for which an address of something that is not public is good.
const PRIVATE_SECONDS_MAX: u32 = 60;

/// The way to the blob, if the client is to take it. What is lost is told here: at the store it would go unnoticed.
pub(super) async fn redirect(
    registry: &Registry,
    digest: &Digest,
    found: FoundBlob,
) -> Result<Option<Response<Body>>, Failure> {
    let (app, shelf) = (&registry.app, &registry.shelf);
    let Some(seconds) = app.settings.registry.redirect_seconds else {
        return Ok(None);
    };
    if found.size < REDIRECT_BYTES_MIN {
        return Ok(None);
    }
    let seconds = match found.public {
        true => seconds,
        false => seconds.min(PRIVATE_SECONDS_MAX),
    };
    let good_for = Duration::from_secs(seconds.into());
    let signed = app.blobs.signed_address(digest, good_for).await;
    let Some(address) = signed.map_err(Refusal::storage)? else {
        return Ok(None);
    };
    if !shelf.seen(digest) {
        let there = app.blobs.size(digest).await.map_err(Refusal::storage)?;
        if there != Some(found.size) {
            return Err(lost(digest));
        }
        shelf.keep_seen(digest);
    }
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(&address));
    headers.insert(CONTENT_DIGEST, value(digest.as_str()));
    // The address dies; whoever asks later gets another one.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Some(response))
}
