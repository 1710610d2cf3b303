//! All bytes that a database names, from one storage into another: blobs that repositories hold, pictures, and event
//! logs of runs. Chunks of uploads under way are left out; whoever sent them sends them again.

use oci::Digest;

use crate::blobs::{Before, Blobs, CommitError, Copied, Shelf};
use crate::error::Error;
use crate::source::Reader;
use crate::{media, registry, runs};

/// Digests asked for at once.
const PAGE: u64 = 500;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Objects copied.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were there before.
    pub before: u64,
    /// Named by the database and not in the storage.
    pub missing: Vec<Digest>,
    /// In the storage, but with other bytes than their name says; not copied.
    pub altered: Vec<Digest>,
}

/// Why the copying stopped.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Metadata.
    #[error("the database: {0}")]
    Database(#[from] Error),
    /// Bytes.
    #[error("{digest}: {source}")]
    Bytes {
        /// Of what.
        digest: Digest,
        /// Why.
        source: CommitError,
    },
}

/// Copies everything that `reader` names from one storage to another; may be run again, and then copies what is new.
pub async fn copy_bytes(
    reader: &Reader,
    from: &Blobs,
    to: &Blobs,
    before: Before,
) -> Result<Tally, BackupError> {
    let mut tally = Tally::default();
    for shelf in [Shelf::Blobs, Shelf::Media, Shelf::Runs] {
        let mut after: Option<Digest> = None;
        loop {
            let page = match shelf {
                Shelf::Blobs => registry::held_blobs(reader, after.as_ref(), PAGE).await?,
                Shelf::Media => media::all(reader, after.as_ref(), PAGE).await?,
                Shelf::Runs => runs::logs(reader, after.as_ref(), PAGE).await?,
            };
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            for digest in page {
                match to.copy_from(from, shelf, &digest, before).await {
                    Ok(Copied::Bytes(size)) => {
                        tally.copied += 1;
                        tally.bytes += size;
                    }
                    Ok(Copied::Before) => tally.before += 1,
                    Ok(Copied::Missing) => tally.missing.push(digest),
                    Err(CommitError::Mismatch { .. }) => tally.altered.push(digest),
                    Err(source) => return Err(BackupError::Bytes { digest, source }),
                }
            }
        }
    }
    Ok(tally)
}
