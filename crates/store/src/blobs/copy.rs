//! One blob or picture from another storage into this one, verified on the way: for backups and their return.

use oci::Digest;

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
}

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Media => "media",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// So many bytes were copied.
    Bytes(u64),
    /// They were here before: objects appear whole, so what has the name has the bytes.
    Before,
    /// The other storage does not have them.
    Missing,
}

impl Blobs {
    /// Copies what has `digest` from `other`; nothing is kept that does not hash to it.
    pub async fn copy_from(
        &self,
        other: &Self,
        shelf: Shelf,
        digest: &Digest,
    ) -> Result<Copied, CommitError> {
        let target = self.named(shelf.folder(), digest);
        if self.read_object(&target, Some(0..0)).await?.is_some() {
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
}
