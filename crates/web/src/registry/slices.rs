//! Blob bytes in large slices. What of a local file lies in the system's cache is sent by the kernel itself where the
//! connection allows that (`line/files.rs`); the rest is read in slices on the blocking pool, one slice ahead of the
//! network, so that a slow disk never holds a thread that serves others. Small blobs come in a single read. Default-size
//! readers cost ten times the processor time, so nothing else may be used here. Bytes in an object store are passed on as
//! they come.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::sync::Arc;

use app::App;
use app::registry::Refusal;
use axum::body::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _, unfold};
use oci::Digest;
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::line::{Files, STRETCH_BYTES};

/// Bytes of one slice that is read; two of them are in memory for each transfer, and a connection of HTTP/2 has many.
const SLICE_BYTES: u64 = 128 * 1024;
/// How far apart a slice is probed for being in the system's cache.
const PROBE_BYTES: usize = 256 * 1024;

/// A blob found where its bytes are.
#[derive(Clone)]
pub(super) enum Bytewise {
    /// All of it, in memory.
    Whole(Bytes),
    /// A file of ours, and the connection's way of sending files if it has one.
    File(Arc<File>, Option<Files>),
    /// An object.
    Object(store::Blobs, Digest),
}

impl Bytewise {
    /// Whether each read of it is a request to another machine.
    pub(super) fn is_far(&self) -> bool {
        matches!(self, Self::Object(..))
    }
}

/// Bytes on their way out.
pub(super) type Slices = BoxStream<'static, io::Result<Bytes>>;

/// Opens a blob of `size` bytes. Nothing when the bytes are not there, which metadata alone cannot know; a file of
/// another length is as good as none, since what it holds is not the blob.
pub(super) async fn open(
    app: &App,
    (digest, size): (&Digest, u64),
    files: Option<Files>,
) -> Result<Option<Bytewise>, Refusal> {
    let Some(path) = app.blobs.blob_path(digest) else {
        let there = app.blobs.size(digest).await.map_err(Refusal::storage)?;
        return Ok(
            (there == Some(size)).then(|| Bytewise::Object(app.blobs.clone(), digest.clone()))
        );
    };
    let opened = spawn_blocking(move || -> io::Result<Option<Bytewise>> {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() != size {
            return Ok(None);
        }
        if size > SLICE_BYTES {
            return Ok(Some(Bytewise::File(Arc::new(file), files)));
        }
        read(&file, 0..size).map(|bytes| Some(Bytewise::Whole(bytes)))
    });
    let failed = |error: io::Error| Refusal::storage(format!("blob {digest}: {error}"));
    opened
        .await
        .map_err(io::Error::other)
        .and_then(|result| result)
        .map_err(failed)
}

impl Bytewise {
    /// The bytes of a range inside the blob.
    pub(super) fn slices(&self, range: Range<u64>) -> Slices {
        match self {
            Self::Whole(bytes) => {
                let start = usize::try_from(range.start)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let end = usize::try_from(range.end)
                    .unwrap_or(usize::MAX)
                    .clamp(start, bytes.len());
                let part = bytes.slice(start..end);
                futures_util::stream::iter([Ok(part)]).boxed()
            }
            Self::File(file, files) => from_file(Arc::clone(file), files.clone(), range),
            Self::Object(blobs, digest) => from_object(blobs.clone(), digest.clone(), range),
        }
    }
}

fn read(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let at = range.start + bytes.len() as u64;
        match pread(file, spare_capacity(&mut bytes), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The allocation may be larger than was asked for.
    bytes.truncate(length);
    Ok(Bytes::from(bytes))
}

/// Whether a slice lies in the system's cache, as far as probes tell. False where the file system cannot say.
fn is_warm(file: &File, range: &Range<u64>) -> bool {
    let probes = range.clone().step_by(PROBE_BYTES).chain([range.end - 1]);
    probes.into_iter().all(|at| {
        let mut byte = [0];
        let into = &mut [IoSliceMut::new(&mut byte)];
        preadv2(file, into, at, ReadWriteFlags::NOWAIT) == Ok(1)
    })
}

type Pending = JoinHandle<io::Result<Bytes>>;

/// A file on its way out.
struct Outgoing {
    file: Arc<File>,
    files: Option<Files>,
    at: u64,
    end: u64,
    /// The slice at `at`, when its reading has begun.
    ahead: Option<Pending>,
}

impl Outgoing {
    fn slice(&self) -> Range<u64> {
        self.at..self.end.min(self.at + SLICE_BYTES)
    }

    /// What the kernel can send next without waiting for a disk, and its length.
    fn stretch(&self) -> Option<(&Files, usize)> {
        let files = self.files.as_ref().filter(|_| self.ahead.is_none())?;
        let stretch = self.at..self.end.min(self.at + STRETCH_BYTES as u64);
        let length = usize::try_from(stretch.end - stretch.start).ok()?;
        is_warm(&self.file, &stretch).then_some((files, length))
    }

    fn begin(&self) -> Pending {
        let (file, slice) = (Arc::clone(&self.file), self.slice());
        spawn_blocking(move || read(&file, slice))
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if self.at >= self.end {
            return None;
        }
        if let Some((files, length)) = self.stretch() {
            let stretch = files.stretch(&self.file, self.at, length);
            self.at += length as u64;
            return Some((Ok(stretch), self));
        }
        let pending = self.ahead.take().unwrap_or_else(|| self.begin());
        self.at = self.slice().end;
        // Once the cache has the rest, nothing is read ahead of a slow reader any more.
        if self.at < self.end && self.stretch().is_none() {
            self.ahead = Some(self.begin());
        }
        let bytes = pending.await.map_err(io::Error::other).flatten();
        if bytes.is_err() {
            // There is nothing to go on with; the connection is cut, so the client sees it.
            self.at = self.end;
        }
        Some((bytes, self))
    }
}

fn from_file(file: Arc<File>, files: Option<Files>, range: Range<u64>) -> Slices {
    let outgoing = Outgoing {
        file,
        files,
        at: range.start,
        end: range.end,
        ahead: None,
    };
    unfold(outgoing, Outgoing::next).boxed()
}

fn from_object(blobs: store::Blobs, digest: Digest, range: Range<u64>) -> Slices {
    let opened = async move {
        match blobs.open(&digest, Some(range)).await {
            Ok(Some((_, bytes))) => Ok(bytes.map_err(io::Error::other)),
            Ok(None) => Err(io::Error::other(format!(
                "blob {digest} went away while it was read"
            ))),
            Err(error) => Err(io::Error::other(error)),
        }
    };
    futures_util::stream::once(opened).try_flatten().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(slices: Slices) -> Vec<u8> {
        slices
            .map_ok(|bytes| bytes.to_vec())
            .try_concat()
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn slices_join_to_the_range_asked_for() {
        let path = std::env::temp_dir().join(format!("edgemart-slices-{}", std::process::id()));
        let content: Vec<u8> = (0..3 * SLICE_BYTES + 17)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        std::fs::write(&path, &content).unwrap();
        let file = Bytewise::File(Arc::new(File::open(&path).unwrap()), None);
        std::fs::remove_file(&path).unwrap();
        let size = u64::try_from(content.len()).unwrap();
        for range in [
            0..size,
            0..1,
            size - 1..size,
            SLICE_BYTES - 1..SLICE_BYTES + 1,
            5..2 * SLICE_BYTES + 9,
            7..7,
        ] {
            let expected = &content
                [usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(
                all(file.slices(range.clone())).await == expected,
                "{range:?}"
            );
            let whole = Bytewise::Whole(Bytes::from(content.clone()));
            assert!(
                all(whole.slices(range.clone())).await == expected,
                "{range:?}"
            );
        }
    }
}
