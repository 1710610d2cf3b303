//! Logos by digest. Only pictures that were checked when they were uploaded are kept, and only PNG leaves; what a digest
//! names never changes, so browsers keep it for good.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use oci::Digest;

use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) async fn show(
    State(web): State<Web>,
    places: Places,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("picture");
    let digest: Digest = format!("sha256:{}", places.text("hex"))
        .parse()
        .map_err(|_| none())?;
    let tag = HeaderValue::from_str(&format!("\"{digest}\"")).map_err(|_| none())?;
    let known = headers.get(IF_NONE_MATCH) == Some(&tag);
    let bytes = if known {
        None
    } else {
        Some(read(&web, &digest).await?.ok_or_else(none)?)
    };
    let status = if known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let mut response = (status, bytes.unwrap_or_default()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(ETAG, tag);
    Ok(response)
}

async fn read(web: &Web, digest: &Digest) -> Result<Option<bytes::Bytes>, Problem> {
    let bytes = web.app.blobs.get_media(digest).await.map_err(|error| {
        tracing::error!(%error, "a picture could not be read");
        Problem::failed()
    })?;
    Ok(bytes.filter(|bytes| bytes.starts_with(PNG)))
}
