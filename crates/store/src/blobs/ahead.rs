//! Writing ahead: asks the kernel to begin putting a file on disk while the rest of it still arrives, so that the sync at its end
//! finds little to do. Only ever a hint: nothing durable rests on it, and a file that is not found goes without.

use std::fs::File;
use std::num::NonZeroU64;
use std::sync::Arc;

use object_store::path::Path;

use super::Blobs;

/// Bytes for which the kernel is asked once.
const STRIDE_BYTES: u64 = 4 * 1024 * 1024;

/// A file that grows; for buckets, nothing.
#[derive(Default)]
pub(super) struct Ahead {
    file: Option<Arc<File>>,
    asked: u64,
}

impl Ahead {
    /// Of the object at `path`, once its first bytes are being written. object_store keeps a file that is not whole yet
    /// under its name and `#1`; where somebody else writes the same object at this moment, it may be theirs, and the
    /// hint is lost.
    pub(super) fn of(blobs: &Blobs, path: &Path) -> Self {
        let file = blobs.local.as_ref().and_then(|local| {
            let mut staged = local.path_to_filesystem(path).ok()?.into_os_string();
            staged.push("#1");
            File::open(staged).ok()
        });
        Self {
            file: file.map(Arc::new),
            asked: 0,
        }
    }

    /// The first `written` bytes are with the kernel: it may begin with those that it was not asked for yet.
    pub(super) fn written(&mut self, written: u64) {
        let Some(file) = &self.file else { return };
        let Some(length) = NonZeroU64::new(written - self.asked) else {
            return;
        };
        if length.get() < STRIDE_BYTES {
            return;
        }
        let (file, from) = (Arc::clone(file), self.asked);
        self.asked = written;
        // "Not needed" makes Linux begin to write dirty pages; those stay in memory, as they are not clean yet.
        tokio::task::spawn_blocking(move || {
            let advice = rustix::fs::Advice::DontNeed;
            if let Err(error) = rustix::fs::fadvise(&*file, from, Some(length), advice) {
                tracing::debug!(%error, "the kernel does not write ahead");
            }
        });
    }
}
