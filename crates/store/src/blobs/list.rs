//! Going through all blobs there are, for those who tidy. No read of a client ever lists the storage.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use oci::Digest;

use super::commit::receive_as_it_is;
use super::copy::Shelf;
use super::{BlobError, Blobs, CommitError};

/// A blob, or another thing named by its digest, as the storage has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// When it was written, microseconds since 1970, UTC, by the storage's clock.
    pub modified: i64,
}

impl StoredBlob {
    /// Nothing for names that are none of ours.
    fn of(meta: &ObjectMeta) -> Option<Self> {
        let parts: Vec<_> = meta.location.parts().collect();
        let [.., algorithm, _, hex] = parts.as_slice() else {
            return None;
        };
        let digest = format!("{}:{}", algorithm.as_ref(), hex.as_ref());
        Some(Self {
            digest: digest.parse().ok()?,
            size: meta.size,
            modified: meta.last_modified.timestamp_micros(),
        })
    }
}

impl Blobs {
    /// Every blob, in no order.
    pub fn list(&self) -> BoxStream<'static, Result<StoredBlob, BlobError>> {
        self.list_shelf(Shelf::Blobs)
    }

    /// Every event log of a run, in no order.
    pub fn list_run_logs(&self) -> BoxStream<'static, Result<StoredBlob, BlobError>> {
        self.list_shelf(Shelf::Runs)
    }

    fn list_shelf(&self, shelf: Shelf) -> BoxStream<'static, Result<StoredBlob, BlobError>> {
        let under = self.under(&[shelf.folder()]);
        let found = self.store.list(Some(&under));
        found
            .map_err(BlobError::storage_again("list", &under))
            .try_filter_map(|meta| std::future::ready(Ok(StoredBlob::of(&meta))))
            .boxed()
    }

    /// One blob; `None` when it is not here.
    pub async fn find(&self, digest: &Digest) -> Result<Option<StoredBlob>, BlobError> {
        let path = self.blob(digest);
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(StoredBlob {
                digest: digest.clone(),
                size: meta.size,
                modified: meta.last_modified.timestamp_micros(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::storage("look up", &path)(error)),
        }
    }

    /// Puts a blob aside, where no client can reach it: its bytes are not what its name says. Answers where.
    pub async fn quarantine(&self, digest: &Digest) -> Result<String, CommitError> {
        let (from, to) = (self.blob(digest), self.named("quarantine", digest));
        if self.local.is_some() {
            let moved = self.store.rename(&from, &to).await;
            moved.map_err(BlobError::storage("put aside", &from))?;
            return Ok(to.to_string());
        }
        // Through here, because object storages copy by themselves up to a size only.
        if let Some((_, bytes)) = self.read_object(&from, None).await? {
            receive_as_it_is(self, &to, bytes.map_err(CommitError::Storage)).await?;
        }
        self.remove(&from).await?;
        Ok(to.to_string())
    }
}

impl BlobError {
    /// Like [`BlobError::storage`], for errors of a stream.
    fn storage_again(
        attempt: &'static str,
        object: &Path,
    ) -> impl FnMut(object_store::Error) -> Self + use<> {
        let object = object.to_string();
        move |source| Self::Storage {
            attempt,
            object: object.clone(),
            source,
        }
    }
}
