//! Bytes named by their digest (layers, configs, pictures, event logs of runs) and the chunks of uploads under way, in a folder, an
//! S3 bucket or an Azure container, through `object_store`. A blob appears whole or not at all, and only after its digest was checked.
//! Which repository holds which blob is [`crate::registry`]'s; nothing here knows about permissions.
//!
//! ```text
//! blobs/sha256/1f/1f3a…    uploads/<upload id>/<offset>-<unique>    media/sha256/9c/9c02…    runs/sha256/77/77e0…
//! quarantine/sha256/5e/5ec1… (found spoiled; nothing reads it)
//! ```

mod ahead;
mod commit;
mod copy;
mod incoming;
mod list;
mod location;
mod read;
mod signed;
mod sweep;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStore, ObjectStoreExt};
use oci::Digest;

pub use commit::CommitError;
pub use copy::{Before, Copied, Shelf};
pub use incoming::PART_BYTES;
pub use list::StoredBlob;
pub use read::WHOLE_BYTES_MAX;

/// Longest upload id, in characters.
pub const UPLOAD_ID_CHARS_MAX: usize = 64;

/// The bytes of a blob as they are read.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// The storage of all bytes; cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Where in the bucket; empty for a folder.
    prefix: Path,
    /// The same storage as files, when it is a folder.
    local: Option<Arc<LocalFileSystem>>,
    /// Makes addresses under which clients read from the storage itself; none for a folder.
    signer: Option<Arc<dyn Signer>>,
    /// Largest object that the storage copies by itself, whole and before it answers.
    copy_bytes_max: u64,
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What signs holds the keys of the storage.
        write!(out, "Blobs({}, {})", self.store, self.prefix)
    }
}

/// Why the storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The object store answered with an error.
    #[error("could not {attempt} {object} in the blob storage: {source}")]
    Storage {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        object: String,
        /// Why not.
        source: object_store::Error,
    },
    /// A file could not be read or removed.
    #[error("could not {attempt} {object} in the blob folder: {source}")]
    File {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        object: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Bytes that the rows promise are not here.
    #[error("{0} is missing in the blob storage")]
    Missing(Digest),
    /// The storage said that it had copied an object, and has something else.
    #[error("{digest} has {size} bytes, and after a copy the blob storage has {}", bytes(*found))]
    Unlike {
        /// Which.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// What is there.
        found: Option<u64>,
    },
    /// Too large to be read into memory as a whole.
    #[error("{digest} has {size} bytes; at most {WHOLE_BYTES_MAX} are read at once")]
    Large {
        /// Which.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// The text is no upload id or chunk key of ours.
    #[error("`{0}` is no upload id or chunk key")]
    Name(String),
}

fn bytes(found: Option<u64>) -> String {
    found.map_or_else(|| "nothing".to_owned(), |found| format!("{found} bytes"))
}

impl BlobError {
    fn storage(attempt: &'static str, object: &Path) -> impl FnOnce(object_store::Error) -> Self {
        let object = object.to_string();
        move |source| Self::Storage {
            attempt,
            object,
            source,
        }
    }
}

impl Blobs {
    /// The same storage, which copies objects of so many bytes by itself and no larger ones.
    #[must_use]
    pub fn copying_at_most(mut self, bytes: u64) -> Self {
        self.copy_bytes_max = bytes;
        self
    }

    fn under(&self, parts: &[&str]) -> Path {
        parts
            .iter()
            .fold(self.prefix.clone(), |path, part| path.join(*part))
    }

    fn named(&self, folder: &str, digest: &Digest) -> Path {
        let hex = digest.hex();
        self.under(&[folder, digest.algorithm().as_str(), &hex[..2], hex])
    }

    fn blob(&self, digest: &Digest) -> Path {
        self.named("blobs", digest)
    }

    fn upload(&self, id: &str) -> Result<Path, BlobError> {
        let plain = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if id.is_empty() || id.len() > UPLOAD_ID_CHARS_MAX || !plain {
            return Err(BlobError::Name(
                id.chars().take(UPLOAD_ID_CHARS_MAX).collect(),
            ));
        }
        Ok(self.under(&["uploads", id]))
    }

    /// The path of a blob when the storage is a folder, whether or not the blob is there. The file never changes.
    pub fn blob_path(&self, digest: &Digest) -> Option<PathBuf> {
        self.local
            .as_ref()?
            .path_to_filesystem(&self.blob(digest))
            .ok()
    }

    /// How many bytes a blob has; `None` when it is not here.
    pub async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let path = self.blob(digest);
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::storage("look up", &path)(error)),
        }
    }

    async fn remove(&self, path: &Path) -> Result<(), BlobError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::storage("delete", path)(error)),
        }
    }

    /// Removes a blob; one that is not here is removed already. Ask first whether any repository holds it.
    pub async fn delete(&self, digest: &Digest) -> Result<(), BlobError> {
        self.remove(&self.blob(digest)).await
    }
}
