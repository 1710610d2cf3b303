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
    /// Which writing of it this is, where the storage tells: its clock may be coarse.
    pub tag: Option<String>,
}

impl StoredBlob {
    /// Nothing for names that are none of ours.
    fn of(meta: ObjectMeta) -> Option<Self> {
        let parts: Vec<_> = meta.location.parts().collect();
        let [.., algorithm, _, hex] = parts.as_slice() else {
            return None;
        };
        let digest = format!("{}:{}", algorithm.as_ref(), hex.as_ref());
        Some(Self {
            digest: digest.parse().ok()?,
            size: meta.size,
            modified: meta.last_modified.timestamp_micros(),
            tag: meta.e_tag,
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
            .try_filter_map(|meta| std::future::ready(Ok(StoredBlob::of(meta))))
            .boxed()
    }

    /// One blob; `None` when it is not here.
    pub async fn find(&self, digest: &Digest) -> Result<Option<StoredBlob>, BlobError> {
        self.look_at(&self.blob(digest)).await
    }

    async fn look_at(&self, path: &Path) -> Result<Option<StoredBlob>, BlobError> {
        match self.store.head(path).await {
            Ok(meta) => Ok(StoredBlob::of(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::storage("look up", path)(error)),
        }
    }

    /// Puts a blob aside, where no client can reach it: its bytes are not what its name says. Answers where. `None`: it is
    /// not the one that was seen any more, since somebody mended or removed it; it stays as it is.
    pub async fn quarantine(&self, seen: &StoredBlob) -> Result<Option<String>, CommitError> {
        let (from, to) = (
            self.blob(&seen.digest),
            self.named("quarantine", &seen.digest),
        );
        if self.local.is_some() {
            let moved = match self.store.rename(&from, &to).await {
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                moved => moved,
            };
            moved.map_err(BlobError::storage("put aside", &from))?;
            if self.look_at(&to).await?.as_ref() == Some(seen) {
                return Ok(Some(to.to_string()));
            }
            let back = self.store.rename(&to, &from).await;
            back.map_err(BlobError::storage("put back", &to))?;
            return Ok(None);
        }
        // Through here, because object storages copy by themselves up to a size only.
        let Some((_, bytes)) = self.read_object(&from, None).await? else {
            return Ok(None);
        };
        receive_as_it_is(self, &to, bytes.map_err(CommitError::Storage)).await?;
        if self.look_at(&from).await?.as_ref() != Some(seen) {
            self.remove(&to).await?;
            return Ok(None);
        }
        self.remove(&from).await?;
        Ok(Some(to.to_string()))
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
