//! `/v2/…/manifests/…`: manifests byte for byte as they were pushed, whatever the client says it accepts.

use app::App;
use app::registry::{
    Caller, Fault, FoundManifest, PushManifest, PushPass, Refusal, delete_manifest, find_manifest,
    push_manifest,
};
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use oci::manifest::MANIFEST_BYTES_MAX;
use oci::{ErrorCode, Reference, RepositoryName, Tag};

use super::answer::{Failure, empty, value};
use super::conditions::{CONTENT_DIGEST, Freshness, name_content, not_modified};
use super::incoming::Incoming;
use super::warning::warn;
use super::{Registry, location};

/// `OCI-Subject`: tells a client that the registry keeps the referrers list.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// `OCI-Tag`: a tag that was set on the way.
const TAG: HeaderName = HeaderName::from_static("oci-tag");

pub(super) async fn get(
    registry: &Registry,
    caller: &Caller,
    headers: &HeaderMap,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Response<Body>, Failure> {
    let (app, shelf) = (&registry.app, &registry.shelf);
    let version = shelf.version(app).await?;
    let found = match shelf.named(version, repository, reference) {
        Some(found) => found,
        None => {
            let found = find_manifest(app, caller, repository, reference).await?;
            shelf.name(version, repository, reference, &found);
            found
        }
    };
    let freshness = match (found.public, reference) {
        (false, _) => Freshness::Private,
        (true, Reference::Tag(_)) => Freshness::Revalidated,
        (true, Reference::Digest(_)) => Freshness::Immutable,
    };
    if not_modified(headers, &found.digest) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        name_content(response.headers_mut(), &found.digest, freshness);
        warn_about(&mut response, &found);
        return Ok(response);
    }
    let kept = shelf.manifest(app, &found.digest).await?.ok_or_else(|| {
        Refusal::storage(format!("manifest {} is linked but not there", found.digest))
    })?;
    let length = kept.bytes.len();
    let mut response = Response::new(Body::from(kept.bytes));
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, kept.content_type);
    answer.insert(CONTENT_LENGTH, HeaderValue::from(length));
    name_content(answer, &found.digest, freshness);
    warn_about(&mut response, &found);
    Ok(response)
}

/// Says that the module is no longer offered, if so.
fn warn_about(response: &mut Response<Body>, found: &FoundManifest) {
    if let Some(text) = &found.warning {
        warn(response.headers_mut(), text);
    }
}

pub(super) async fn put(
    app: &App,
    pass: &PushPass,
    reference: Reference,
    tags: Vec<Tag>,
    (parts, body): (&Parts, Incoming),
) -> Result<Response<Body>, Failure> {
    let length = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    if let Some(length) = length
        && length > MANIFEST_BYTES_MAX
    {
        let message =
            format!("a manifest may have {MANIFEST_BYTES_MAX} bytes, found {length}; shorten it");
        return Err(Refusal::TooLarge(Fault::new(ErrorCode::SizeInvalid, message)).into());
    }
    let bytes = body.collect(MANIFEST_BYTES_MAX, "manifest").await?;
    let content_type = match parts.headers.get(CONTENT_TYPE) {
        None => None,
        Some(header) => Some(header.to_str().map(ToOwned::to_owned).map_err(|_| {
            Refusal::invalid(
                ErrorCode::ManifestInvalid,
                "the Content-Type header is not text; name the manifest's media type",
            )
        })?),
    };
    let by_digest = reference.digest().is_some();
    let set: Vec<HeaderValue> = tags.iter().map(|tag| value(tag.as_str())).collect();
    let pushed = push_manifest(
        app,
        pass,
        PushManifest {
            reference,
            tags,
            content_type,
            bytes,
        },
    )
    .await?;
    let mut response = empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(
        LOCATION,
        location(pass.repository(), "manifests", pushed.digest.as_str()),
    );
    headers.insert(CONTENT_DIGEST, value(pushed.digest.as_str()));
    if let Some(first) = pushed.missing.first() {
        let more = pushed.missing.len() - 1;
        let text = format!(
            "the manifest lists {first} and {more} more that this repository does not have; push them before it is imported"
        );
        warn(headers, &text);
    }
    if let Some(subject) = pushed.subject {
        headers.insert(SUBJECT, value(subject.as_str()));
    }
    if by_digest {
        for tag in set {
            headers.append(TAG, tag);
        }
    }
    Ok(response)
}

pub(super) async fn delete(
    app: &App,
    pass: &PushPass,
    reference: &Reference,
) -> Result<Response<Body>, Failure> {
    delete_manifest(app, pass, reference).await?;
    Ok(empty(StatusCode::ACCEPTED))
}
