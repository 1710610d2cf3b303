//! Manifests of an upstream repository: byte-exact, at most 4 MiB, verified against the digest they go by.

use oci::manifest::MANIFEST_BYTES_MAX;
use oci::media_type::{DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST};
use oci::{Digest, Manifest, Reference, Tag};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::{Ask, Registry, UpstreamError};
use crate::egress::{Answer, read_bounded};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

impl Registry {
    /// The manifest that `tag` points at now: asked by HEAD, then fetched by that digest and verified.
    ///
    /// # Errors
    /// [`UpstreamError::NotFound`] when there is no such tag; any other [`UpstreamError`].
    pub async fn tagged(&self, tag: &Tag) -> Result<Manifest, UpstreamError> {
        let reference = Reference::Tag(tag.clone());
        let answer = self.ask_manifest(Method::HEAD, &reference).await?;
        // HEAD is optional to answer well: without a digest, or with an odd status, GET decides.
        match stated_digest(answer.response.headers()) {
            Some(digest) if answer.response.status() == 200 => {
                match self.manifest(&Reference::Digest(digest)).await {
                    // The tag moved and its old manifest is gone: GET tells where it points now.
                    Err(UpstreamError::NotFound { .. }) => self.manifest(&reference).await,
                    other => other,
                }
            }
            _ => self.manifest(&reference).await,
        }
    }

    /// The manifest or index that `reference` names, exactly as the registry stores it.
    ///
    /// # Errors
    /// [`UpstreamError::NotFound`], [`UpstreamError::DigestMismatch`], [`UpstreamError::Manifest`] and the rest.
    pub async fn manifest(&self, reference: &Reference) -> Result<Manifest, UpstreamError> {
        let what = describe(reference);
        let inner = &*self.0;
        let answer = self.ask_manifest(Method::GET, reference).await?;
        if answer.response.status() != 200 {
            return Err(self.unexpected(answer, &what).await);
        }
        let headers = answer.response.headers();
        let stated = stated_digest(headers);
        let content_type = content_type(headers);
        let deadline = tokio::time::Instant::now() + inner.limits.document_time_max;
        let bytes = read_bounded(&inner.egress, answer, MANIFEST_BYTES_MAX as u64, deadline)
            .await
            .map_err(|error| UpstreamError::egress(&inner.at, error))?;
        // The asked digest is what counts; a tag is held to what the registry itself states.
        if let Some(expected) = reference.digest().or(stated.as_ref()) {
            let found = Digest::of(expected.algorithm(), &bytes);
            if found != *expected {
                return Err(UpstreamError::DigestMismatch {
                    at: inner.at.clone(),
                    what,
                    expected: expected.clone(),
                    found,
                });
            }
        }
        Manifest::parse(content_type.as_deref(), &bytes).map_err(|source| UpstreamError::Manifest {
            at: inner.at.clone(),
            what,
            source: Box::new(source),
        })
    }

    async fn ask_manifest(
        &self,
        method: Method,
        reference: &Reference,
    ) -> Result<Answer, UpstreamError> {
        let url = self.url(&format!("manifests/{reference}")).await?;
        let what = describe(reference);
        let mut headers = HeaderMap::new();
        for media_type in [
            OCI_INDEX,
            OCI_MANIFEST,
            DOCKER_MANIFEST_LIST,
            DOCKER_MANIFEST,
        ] {
            headers.append(ACCEPT, HeaderValue::from_static(media_type));
        }
        self.ask(Ask {
            method,
            url,
            headers,
            what: &what,
        })
        .await
    }
}

fn describe(reference: &Reference) -> String {
    match reference {
        Reference::Tag(tag) => format!("tag {tag}"),
        Reference::Digest(digest) => format!("manifest {digest}"),
    }
}

fn stated_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

/// Registries on plain web servers send general types; then the document's own `mediaType` decides.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?.trim();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let general = ["application/json", "application/octet-stream", "text/plain"]
        .iter()
        .any(|general| essence.eq_ignore_ascii_case(general));
    (!essence.is_empty() && !general).then(|| text.to_owned())
}
