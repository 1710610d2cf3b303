//! One blob, picture or event log from another storage into this one, verified on the way: for backups and their return.

use object_store::path::Path;
use oci::{Digest, DigestHasher};

use super::commit::receive;
use super::{BlobError, Blobs, CommitError};
use futures_util::TryStreamExt as _;

/// Which kind of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Layers and configs.
    Blobs,
    /// Pictures.
    Media,
    /// Event logs of runs.
    Runs,
}

impl Shelf {
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Media => "media",
            Self::Runs => "runs",
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Copied {
    /// So many bytes were copied.
    Bytes(u64),
    /// They were here before.
    Before,
    /// The other storage does not have them.
    Missing,
    /// The other storage has other bytes than their name says.
    Altered,
    /// The other storage has them and does not give them.
    Unreadable(String),
}

/// What is believed of bytes that are there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Objects appear whole, so what has the name has the bytes. They are not read again.
    Trusted,
    /// They are read, and copied anew when they are not what their name says.
    Read,
}

impl Blobs {
    /// Copies what has `digest` from `other`; nothing is kept that does not hash to it. An error is one of this storage.
    pub async fn copy_from(
        &self,
        other: &Self,
        shelf: Shelf,
        digest: &Digest,
        before: Before,
    ) -> Result<Copied, CommitError> {
        let target = self.named(shelf.folder(), digest);
        let here = match before {
            Before::Trusted => self.read_object(&target, Some(0..0)).await?.is_some(),
            Before::Read => self.is_whole(&target, digest).await,
        };
        if here {
            return Ok(Copied::Before);
        }
        let source = other.named(shelf.folder(), digest);
        let bytes = match other.read_object(&source, None).await {
            Ok(Some((_, bytes))) => bytes,
            Ok(None) => return Ok(Copied::Missing),
            Err(error) => return Ok(Copied::Unreadable(error.to_string())),
        };
        match receive(self, &target, bytes, u64::MAX, Some(digest)).await {
            Ok(size) => Ok(Copied::Bytes(size)),
            Err(CommitError::Mismatch { .. }) => Ok(Copied::Altered),
            Err(CommitError::Source(why)) => Ok(Copied::Unreadable(why.to_string())),
            Err(ours) => Err(ours),
        }
    }

    /// Whether what is here hashes to its name. What cannot be read does not: it is copied anew, and if it cannot be
    /// written either, that says why.
    async fn is_whole(&self, path: &Path, digest: &Digest) -> bool {
        match self.hash(path, digest).await {
            Ok(found) => found.as_ref() == Some(digest),
            Err(error) => {
                tracing::warn!(%error, "what was copied before cannot be read; copying it again");
                false
            }
        }
    }

    async fn hash(&self, path: &Path, digest: &Digest) -> Result<Option<Digest>, BlobError> {
        let Some((_, mut bytes)) = self.read_object(path, None).await? else {
            return Ok(None);
        };
        let mut hasher = DigestHasher::new(digest.algorithm());
        while let Some(some) = bytes.try_next().await? {
            hasher.update(&some);
        }
        Ok(Some(hasher.finish()))
    }
}
