//! Blob bytes in large slices. A local file is read a mebibyte at a time on the blocking pool, one slice ahead of the
//! network; small blobs come in a single read. Default-size readers cost ten times the processor time, so nothing else
//! may be used here. Bytes in an object store are passed on as they come.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use app::App;
use app::registry::Refusal;
use axum::body::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _, unfold};
use oci::Digest;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes of one slice; two of them are in memory for each transfer.
pub(super) const SLICE_BYTES: u64 = 1024 * 1024;

/// A blob found where its bytes are.
#[derive(Clone)]
pub(super) enum Bytewise {
    /// All of it, in memory.
    Whole(Bytes),
    /// A file of ours.
    File(Arc<File>),
    /// An object.
    Object(store::Blobs, Digest),
}

/// Bytes on their way out.
pub(super) type Slices = BoxStream<'static, io::Result<Bytes>>;

/// Opens a blob of `size` bytes. Nothing when the bytes are not there, which metadata alone cannot know; a file of
/// another length is as good as none, since what it holds is not the blob.
pub(super) async fn open(
    app: &App,
    digest: &Digest,
    size: u64,
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
            return Ok(Some(Bytewise::File(Arc::new(file))));
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
            Self::File(file) => from_file(Arc::clone(file), range),
            Self::Object(blobs, digest) => from_object(blobs.clone(), digest.clone(), range),
        }
    }
}

fn read(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(Bytes::from(bytes))
}

type Pending = JoinHandle<io::Result<Bytes>>;

fn from_file(file: Arc<File>, range: Range<u64>) -> Slices {
    let begin = move |file: &Arc<File>, at: u64, end: u64| -> Option<(Pending, u64)> {
        if at >= end {
            return None;
        }
        let (file, next) = (Arc::clone(file), end.min(at + SLICE_BYTES));
        Some((spawn_blocking(move || read(&file, at..next)), next))
    };
    let end = range.end;
    let first = begin(&file, range.start, end);
    unfold((file, first), move |(file, pending)| async move {
        let (slice, at) = pending?;
        let following = begin(&file, at, end);
        let bytes = slice
            .await
            .map_err(io::Error::other)
            .and_then(|result| result);
        // After an error there is nothing to go on with; the connection is cut, so the client sees it.
        let following = if bytes.is_ok() { following } else { None };
        Some((bytes, (file, following)))
    })
    .boxed()
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
        let file = Bytewise::File(Arc::new(File::open(&path).unwrap()));
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
