//! What this process remembers of the registry: manifests by digest, which never change, and what the public names stand
//! for, which is asked again once `catalog_version` moved. Whoever changes public content bumps that version in the same
//! transaction, so another replica's go-live or takedown is seen here within a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::App;
use app::registry::{FoundBlob, FoundManifest, Refusal};
use axum::body::Bytes;
use axum::http::HeaderValue;
use oci::{Digest, Reference, RepositoryName};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::answer::value;

/// Bytes of manifests kept.
const MANIFEST_CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Names and blobs kept.
const NAMES_MAX: usize = 50_000;
/// Manifests expected, for the cache's first size.
const MANIFESTS_EXPECTED: usize = 4_096;
/// How long the catalog version is believed without looking.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// A manifest, ready to send.
#[derive(Clone)]
pub(super) struct Kept {
    /// As it was pushed.
    pub(super) content_type: HeaderValue,
    /// As they were pushed.
    pub(super) bytes: Bytes,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Digest, Kept> for Bytewise {
    fn weight(&self, digest: &Digest, kept: &Kept) -> u64 {
        u64::try_from(kept.bytes.len() + digest.as_str().len() + 256).unwrap_or(u64::MAX)
    }
}

/// What a public name stood for at a catalog version.
#[derive(Clone)]
struct Named<T> {
    version: i64,
    found: T,
}

/// See the module.
pub(super) struct Shelf {
    manifests: Cache<Digest, Kept, Bytewise>,
    names: Cache<String, Named<FoundManifest>>,
    blobs: Cache<String, Named<FoundBlob>>,
    version: Mutex<Option<(Instant, i64)>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            manifests: Cache::with_weighter(MANIFESTS_EXPECTED, MANIFEST_CACHE_BYTES_MAX, Bytewise),
            names: Cache::new(NAMES_MAX),
            blobs: Cache::new(NAMES_MAX),
            version: Mutex::default(),
        }
    }
}

fn key(repository: &RepositoryName, name: &str) -> String {
    // A slash cannot stand in a tag or digest, so no two pairs make the same key.
    format!("{repository}/{name}")
}

impl Shelf {
    /// The catalog version, at most [`LOOK_EVERY`] old.
    pub(super) async fn version(&self, app: &App) -> Result<i64, Refusal> {
        let seen = *self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, version)) = seen
            && at.elapsed() < LOOK_EVERY
        {
            return Ok(version);
        }
        // The moment before the look counts: what changes during it is seen at the next.
        let at = Instant::now();
        let version = store::catalog_version::current(&app.reader).await?;
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, version));
        Ok(version)
    }

    /// What a public name stands for, if it was asked for at this version.
    pub(super) fn named(
        &self,
        version: i64,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Option<FoundManifest> {
        let named = self.names.get(&key(repository, reference.as_str()))?;
        (named.version == version).then_some(named.found)
    }

    /// Remembers a public name.
    pub(super) fn name(
        &self,
        version: i64,
        repository: &RepositoryName,
        reference: &Reference,
        found: &FoundManifest,
    ) {
        if found.public {
            let named = Named {
                version,
                found: found.clone(),
            };
            self.names
                .insert(key(repository, reference.as_str()), named);
        }
    }

    /// A public blob, if it was asked for at this version.
    pub(super) fn blob(
        &self,
        version: i64,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Option<FoundBlob> {
        let named = self.blobs.get(&key(repository, digest.as_str()))?;
        (named.version == version).then_some(named.found)
    }

    /// Remembers a public blob.
    pub(super) fn keep_blob(
        &self,
        version: i64,
        repository: &RepositoryName,
        digest: &Digest,
        found: FoundBlob,
    ) {
        if found.public {
            self.blobs
                .insert(key(repository, digest.as_str()), Named { version, found });
        }
    }

    /// The bytes of a manifest that the caller was found to be allowed to read.
    pub(super) async fn manifest(
        self: &Arc<Self>,
        app: &App,
        digest: &Digest,
    ) -> Result<Option<Kept>, Refusal> {
        if let Some(kept) = self.manifests.get(digest) {
            return Ok(Some(kept));
        }
        let Some(stored) = store::registry::manifest(&app.reader, digest).await? else {
            return Ok(None);
        };
        let kept = Kept {
            content_type: value(&stored.media_type),
            bytes: Bytes::from(stored.bytes),
        };
        self.manifests.insert(digest.clone(), kept.clone());
        Ok(Some(kept))
    }
}
