//! All bytes that a database names, from one storage into another: blobs that repositories hold, pictures, and event
//! logs of runs. Chunks of uploads under way are left out; whoever sent them sends them again.

use std::time::{Duration, Instant};

use oci::Digest;

use crate::blobs::{Before, Blobs, CommitError, Copied, Shelf};
use crate::error::Error;
use crate::source::Reader;
use crate::{media, registry, runs};

/// Digests asked for at once.
const PAGE: u64 = 500;
/// How long the storage that is copied from may give nothing but errors before it is taken for one that is out of order.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);

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
    /// In the storage, which does not give them, and why; not copied.
    pub unreadable: Vec<(Digest, String)>,
}

impl Tally {
    /// Whether everything that the database names is there now.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.altered.is_empty() && self.unreadable.is_empty()
    }

    fn note(&mut self, digest: Digest, copied: Copied) {
        match copied {
            Copied::Bytes(size) => {
                self.copied += 1;
                self.bytes += size;
            }
            Copied::Before => self.before += 1,
            Copied::Missing => self.missing.push(digest),
            Copied::Altered => self.altered.push(digest),
            Copied::Unreadable(why) => self.unreadable.push((digest, why)),
        }
    }
}

/// Why the copying stopped.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Metadata.
    #[error("the database: {0}")]
    Database(#[from] Error),
    /// The storage that is copied to.
    #[error("{digest}: {source}")]
    Target {
        /// What was to be kept.
        digest: Digest,
        /// Why it was not.
        source: CommitError,
    },
    /// The storage that is copied from.
    #[error(
        "for {seconds} seconds the storage gave nothing but errors, the last for {digest}: {why}"
    )]
    Source {
        /// How long.
        seconds: u64,
        /// What was asked for.
        digest: Digest,
        /// Why it was not given.
        why: String,
    },
}

/// Copies everything that `reader` names from one storage to another; may be run again, and then copies what is new. Goes
/// on past what is missing, altered or unreadable, which the tally names; ends when `from` gives nothing but errors for
/// longer than `patience`, and at the first error of `to`.
pub async fn copy_bytes(
    reader: &Reader,
    (from, to): (&Blobs, &Blobs),
    before: Before,
    patience: Duration,
) -> Result<Tally, BackupError> {
    let mut tally = Tally::default();
    let mut gave = Instant::now();
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
                let copied = match to.copy_from(from, shelf, &digest, before).await {
                    Ok(copied) => copied,
                    Err(source) => return Err(BackupError::Target { digest, source }),
                };
                match &copied {
                    Copied::Unreadable(why) if gave.elapsed() >= patience => {
                        return Err(BackupError::Source {
                            seconds: patience.as_secs(),
                            digest,
                            why: why.clone(),
                        });
                    }
                    Copied::Unreadable(_) => {}
                    _ => gave = Instant::now(),
                }
                tally.note(digest, copied);
            }
        }
    }
    Ok(tally)
}
