//! The three lists: tags of a repository, repositories, and referrers of a manifest. Each answer has an entity tag of its
//! own text, so that who asks often is told quickly that nothing changed.

use app::App;
use app::registry::{
    Caller, Page, ReferrersQuery, catalog as catalog_page, list_tags, referrers as find_referrers,
};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderName, LINK};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use oci::{Digest, RepositoryName, media_type};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::answer::{Failure, answer, empty, value};
use super::conditions::names_tag;

/// `OCI-Filters-Applied`: tells a client that it need not filter itself.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// The next page's address, by path and query only: clients add the host they came by.
fn next(path: &str, query: &str) -> HeaderValue {
    value(&format!("<{path}?{query}>; rel=\"next\""))
}

fn link(path: &str, page: &Page, n: Option<u64>) -> Option<HeaderValue> {
    let last = page.entries.last().filter(|_| page.more)?;
    let n = n.unwrap_or(app::registry::PAGE_ENTRIES_MAX);
    let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
    Some(next(path, &format!("n={n}&last={last}")))
}

/// One page, or word that the client has it.
fn page(
    asked: &HeaderMap,
    content_type: &'static str,
    body: &Value,
    link: Option<HeaderValue>,
) -> Response<Body> {
    let body = body.to_string();
    let tag = format!("\"{}\"", Digest::sha256_of(body.as_bytes()));
    let mut response = if names_tag(asked, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        answer(StatusCode::OK, content_type, body)
    };
    let headers = response.headers_mut();
    // What somebody may see is not for a cache that others share.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ETAG, value(&tag));
    if let Some(link) = link {
        headers.insert(LINK, link);
    }
    response
}

pub(super) async fn tags(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    repository: &RepositoryName,
    (n, last): (Option<u64>, Option<&str>),
) -> Result<Response<Body>, Failure> {
    let found = list_tags(app, caller, repository, n, last).await?;
    let link = link(&format!("/v2/{repository}/tags/list"), &found, n);
    let body = json!({"name": repository, "tags": found.entries});
    Ok(page(headers, "application/json", &body, link))
}

pub(super) async fn catalog(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    (n, last): (Option<u64>, Option<&str>),
) -> Result<Response<Body>, Failure> {
    let found = catalog_page(app, caller, n, last).await?;
    let link = link("/v2/_catalog", &found, n);
    let body = json!({"repositories": found.entries});
    Ok(page(headers, "application/json", &body, link))
}

/// Always an index, however empty (end-12a).
pub(super) async fn referrers(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    (repository, digest): (&RepositoryName, &Digest),
    query: ReferrersQuery<'_>,
) -> Result<Response<Body>, Failure> {
    let found = find_referrers(app, caller, repository, digest, query).await?;
    let link = found.next.map(|last| {
        let mut text = format!("last={last}");
        if let Some(wanted) = query.artifact_type {
            let wanted = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
            text.push_str(&format!("&artifactType={wanted}"));
        }
        next(&format!("/v2/{repository}/referrers/{digest}"), &text)
    });
    let body = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_INDEX,
        "manifests": found.entries,
    });
    let mut response = page(headers, media_type::OCI_INDEX, &body, link);
    if query.artifact_type.is_some() {
        let applied = HeaderValue::from_static("artifactType");
        response.headers_mut().insert(FILTERS_APPLIED, applied);
    }
    Ok(response)
}
