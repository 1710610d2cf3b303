//! What this process remembers of the registry: manifests by digest, which never change; public manifests by name as
//! answers ready to send; and which public blobs stand where. Names are asked for again once `catalog_version` moved.
//! Whoever changes public content bumps that version in the same transaction, so another replica's go-live or takedown is
//! seen here within a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::App;
use app::registry::{FoundBlob, Refusal};
use axum::body::Bytes;
use axum::http::HeaderValue;
use oci::{Digest, RepositoryName};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::answer::value;
use super::ready::Ready;

/// Bytes of manifests kept.
const MANIFEST_CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of ready answers; most of them are shared with the manifests.
const READY_CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Blobs kept.
const BLOBS_MAX: usize = 50_000;
/// Manifests expected, for the caches' first size.
const MANIFESTS_EXPECTED: usize = 4_096;
/// What an entry costs besides its bytes.
const ENTRY_BYTES: usize = 512;
/// How long a blob is believed to be in the storage without looking.
const SEEN_FOR: Duration = Duration::from_secs(60);
/// How long the catalog version is believed without looking.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// A manifest as it was pushed.
#[derive(Clone)]
pub(super) struct Kept {
    /// Its media type.
    pub(super) content_type: HeaderValue,
    /// Its bytes.
    pub(super) bytes: Bytes,
}

#[derive(Clone)]
struct Bytewise;

fn weight(bytes: usize) -> u64 {
    u64::try_from(bytes + ENTRY_BYTES).unwrap_or(u64::MAX)
}

impl Weighter<Digest, Kept> for Bytewise {
    fn weight(&self, _: &Digest, kept: &Kept) -> u64 {
        weight(kept.bytes.len())
    }
}

impl Weighter<String, Named<Arc<Ready>>> for Bytewise {
    fn weight(&self, name: &String, named: &Named<Arc<Ready>>) -> u64 {
        weight(name.len() + named.found.length())
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
    ready: Cache<String, Named<Arc<Ready>>, Bytewise>,
    blobs: Cache<String, Named<FoundBlob>>,
    /// When a blob was last seen in the storage.
    seen: Cache<Digest, Instant>,
    version: Mutex<Option<(Instant, i64)>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            manifests: Cache::with_weighter(MANIFESTS_EXPECTED, MANIFEST_CACHE_BYTES_MAX, Bytewise),
            ready: Cache::with_weighter(MANIFESTS_EXPECTED, READY_CACHE_BYTES_MAX, Bytewise),
            blobs: Cache::new(BLOBS_MAX),
            seen: Cache::new(BLOBS_MAX),
            version: Mutex::default(),
        }
    }
}

fn key(repository: &RepositoryName, name: &str) -> String {
    // A slash cannot stand in a digest, so no two pairs make the same key.
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

    /// The ready answer of an address (what follows `/v2/`), if it was asked for at this version.
    pub(super) fn ready(&self, version: i64, address: &str) -> Option<Arc<Ready>> {
        let named = self.ready.get(address)?;
        (named.version == version).then_some(named.found)
    }

    /// Remembers the answer of an address; what is not public is never remembered.
    pub(super) fn keep_ready(&self, version: i64, address: String, found: &Arc<Ready>) {
        if found.public() {
            let found = Arc::clone(found);
            self.ready.insert(address, Named { version, found });
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

    /// Whether a blob's bytes were in the storage a moment ago.
    pub(super) fn seen(&self, digest: &Digest) -> bool {
        let last = self.seen.get(digest);
        last.is_some_and(|at| at.elapsed() < SEEN_FOR)
    }

    /// Remembers that they are.
    pub(super) fn keep_seen(&self, digest: &Digest) {
        self.seen.insert(digest.clone(), Instant::now());
    }

    /// The bytes of a manifest that the caller was found to be allowed to read.
    pub(super) async fn manifest(
        &self,
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
