//! One blob, picture or event log from another storage into this one, verified on the way: for backups and their return.

use object_store::path::Path;
use oci::{Digest, DigestHasher};

use super::commit::receive_own;
use super::{Blobs, CommitError};
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
    fn folder(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Media => "media",
            Self::Runs => "runs",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// So many bytes were copied.
    Bytes(u64),
    /// They were here before.
    Before,
    /// The other storage does not have them.
    Missing,
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
    /// Copies what has `digest` from `other`; nothing is kept that does not hash to it.
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
            Before::Read => self.hash(&target, digest).await? == Some(digest.clone()),
        };
        if here {
            return Ok(Copied::Before);
        }
        let source = other.named(shelf.folder(), digest);
        let Some((_, bytes)) = other.read_object(&source, None).await? else {
            return Ok(Copied::Missing);
        };
        let bytes = bytes.map_err(CommitError::Storage);
        let size = receive_own(self, &target, bytes, digest).await?;
        Ok(Copied::Bytes(size))
    }

    async fn hash(&self, path: &Path, digest: &Digest) -> Result<Option<Digest>, CommitError> {
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
