//! The three lists: tags of a repository, repositories, and referrers of a manifest.

use app::App;
use app::registry::{
    Caller, Page, catalog as catalog_page, list_tags, referrers as find_referrers,
};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, HeaderName, LINK};
use axum::http::{HeaderValue, Response, StatusCode};
use oci::{Digest, RepositoryName, media_type};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::answer::{Failure, answer, json as json_answer, value};

/// `OCI-Filters-Applied`: tells a client that it need not filter itself.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// The next page's address, by path and query only: clients add the host they came by.
fn link(path: &str, page: &Page, n: Option<u64>) -> Option<HeaderValue> {
    let last = page.entries.last().filter(|_| page.more)?;
    let n = n.unwrap_or(app::registry::PAGE_ENTRIES_MAX);
    let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
    Some(value(&format!("<{path}?n={n}&last={last}>; rel=\"next\"")))
}

fn page(body: &serde_json::Value, link: Option<HeaderValue>) -> Response<Body> {
    let mut response = json_answer(StatusCode::OK, body.to_string());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(link) = link {
        headers.insert(LINK, link);
    }
    response
}

pub(super) async fn tags(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    n: Option<u64>,
    last: Option<&str>,
) -> Result<Response<Body>, Failure> {
    let found = list_tags(app, caller, repository, n, last).await?;
    let link = link(&format!("/v2/{repository}/tags/list"), &found, n);
    Ok(page(
        &json!({"name": repository, "tags": found.entries}),
        link,
    ))
}

pub(super) async fn catalog(
    app: &App,
    caller: &Caller,
    n: Option<u64>,
    last: Option<&str>,
) -> Result<Response<Body>, Failure> {
    let found = catalog_page(app, caller, n, last).await?;
    let link = link("/v2/_catalog", &found, n);
    Ok(page(&json!({"repositories": found.entries}), link))
}

/// Always an index, however empty (end-12a).
pub(super) async fn referrers(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    digest: &Digest,
    artifact_type: Option<&str>,
) -> Result<Response<Body>, Failure> {
    let mut found = find_referrers(app, caller, repository, digest).await?;
    if let Some(wanted) = artifact_type {
        found.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
    }
    let body = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": found});
    let mut response = answer(StatusCode::OK, media_type::OCI_INDEX, body.to_string());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if artifact_type.is_some() {
        headers.insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}
