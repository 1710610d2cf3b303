//! `/v2/…/manifests/…`: manifests byte for byte as they were pushed, whatever the client says it accepts.

use std::sync::Arc;

use app::App;
use app::registry::{
    Caller, Fault, FoundManifest, Place, PullCount, PushManifest, PushPass, Refusal,
    delete_manifest, find_manifest, push_manifest,
};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use domain::tag::Version;
use oci::manifest::MANIFEST_BYTES_MAX;
use oci::{ErrorCode, Reference, RepositoryName, Tag};

use super::answer::{Failure, empty, value};
use super::conditions::CONTENT_DIGEST;
use super::incoming::Incoming;
use super::ready::Ready;
use super::warning::warn;
use super::{Registry, location};

/// `OCI-Subject`: tells a client that the registry keeps the referrers list.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// `OCI-Tag`: a tag that was set on the way.
const TAG: HeaderName = HeaderName::from_static("oci-tag");

pub(super) async fn get(
    registry: &Registry,
    caller: &Caller,
    (headers, head): (&HeaderMap, bool),
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Response<Body>, Failure> {
    let (app, shelf) = (&registry.app, &registry.shelf);
    let version = shelf.version(app).await?;
    let address = format!("{repository}/manifests/{}", reference.as_str());
    if let Some(ready) = shelf.ready(version, &address) {
        return Ok(ready.answer(headers, head));
    }
    let found = find_manifest(app, caller, repository, reference).await?;
    let kept = shelf.manifest(app, &found.digest).await?.ok_or_else(|| {
        Refusal::storage(format!("manifest {} is linked but not there", found.digest))
    })?;
    let pulls = pull_count(app, repository, reference, &found).await?;
    let ready = Arc::new(Ready::new(found, reference, kept, pulls));
    shelf.keep_ready(version, address, &ready);
    Ok(ready.answer(headers, head))
}

/// The counter of what is pulled: of a released image, by any tag, or by the digest of a version. The images of its
/// platforms are asked for by digest after it, and not counted again.
async fn pull_count(
    app: &App,
    repository: &RepositoryName,
    reference: &Reference,
    found: &FoundManifest,
) -> Result<Option<PullCount>, Refusal> {
    if !found.public || !matches!(Place::of(repository), Place::Release(..)) {
        return Ok(None);
    }
    let named = match reference {
        Reference::Tag(_) => true,
        Reference::Digest(digest) => {
            let name = repository.as_str();
            let tags = store::registry::tags_of_digest(&app.reader, name, digest).await?;
            tags.iter().any(|tag| tag.parse::<Version>().is_ok())
        }
    };
    Ok(named.then(|| app.pulls.of(repository, &found.digest)))
}

/// The answer to a pull as devices make them, if it lies ready: a public manifest, asked for without credentials.
pub(super) async fn hot(registry: &Registry, parts: &Parts) -> Option<Response<Body>> {
    let (uri, headers) = (&parts.uri, &parts.headers);
    let head = parts.method == Method::HEAD;
    let plain = (head || parts.method == Method::GET)
        && uri.query().is_none()
        && !headers.contains_key(AUTHORIZATION)
        && registry.app.settings.registry.lab_account.is_none();
    let address = uri.path().strip_prefix("/v2/").filter(|_| plain)?;
    // A database that does not answer is the business of the long way.
    let version = registry.shelf.version(&registry.app).await.ok()?;
    let ready = registry.shelf.ready(version, address)?;
    Some(ready.answer(headers, head))
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
