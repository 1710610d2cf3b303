//! Bytes going out. A folder is read in large pieces straight from its files.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use oci::Digest;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{BlobError, Blobs, ByteStream};

/// Bytes read from a file at a time.
const READ_BYTES: usize = 256 * 1024;
/// Largest blob or picture that is read into memory as a whole, in bytes.
pub const WHOLE_BYTES_MAX: u64 = 16 * 1024 * 1024;

impl Blobs {
    /// The size of a blob and its bytes, or those of a part of it; `None` when it is not here. A part that reaches
    /// past the end is cut there.
    pub async fn open(
        &self,
        digest: &Digest,
        range: Option<Range<u64>>,
    ) -> Result<Option<(u64, ByteStream)>, BlobError> {
        self.read_object(&self.blob(digest), range).await
    }

    /// A small blob as a whole, such as an image's config; [`BlobError::Missing`] when it is not here.
    pub async fn read(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        match self.open(digest, None).await? {
            Some((size, bytes)) => Ok(whole(digest, size, bytes).await?.into()),
            None => Err(BlobError::Missing(digest.clone())),
        }
    }

    /// A picture; `None` when it is not here.
    pub async fn get_media(&self, digest: &Digest) -> Result<Option<Bytes>, BlobError> {
        match self.read_object(&self.named("media", digest), None).await? {
            Some((size, bytes)) => Ok(Some(whole(digest, size, bytes).await?.freeze())),
            None => Ok(None),
        }
    }

    /// The event log of a run as it is kept, compressed; `None` when it is not here.
    pub async fn get_run_log(&self, digest: &Digest) -> Result<Option<Bytes>, BlobError> {
        match self.read_object(&self.named("runs", digest), None).await? {
            Some((size, bytes)) => Ok(Some(whole(digest, size, bytes).await?.freeze())),
            None => Ok(None),
        }
    }

    pub(super) async fn read_object(
        &self,
        path: &Path,
        range: Option<Range<u64>>,
    ) -> Result<Option<(u64, ByteStream)>, BlobError> {
        if let Some(local) = &self.local {
            let file = local.path_to_filesystem(path);
            return read_file(file.map_err(BlobError::storage("read", path))?, range).await;
        }
        let empty = range.as_ref().is_some_and(Range::is_empty);
        let options = GetOptions {
            range: range
                .filter(|range| !range.is_empty())
                .map(GetRange::Bounded),
            head: empty,
            ..GetOptions::default()
        };
        let found = match self.store.get_opts(path, options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(BlobError::storage("read", path)(error)),
        };
        let size = found.meta.size;
        if empty {
            return Ok(Some((size, stream::empty().boxed())));
        }
        let object = path.clone();
        let failed = move |error| BlobError::storage("read", &object)(error);
        Ok(Some((size, found.into_stream().map_err(failed).boxed())))
    }
}

async fn whole(digest: &Digest, size: u64, mut bytes: ByteStream) -> Result<BytesMut, BlobError> {
    if size > WHOLE_BYTES_MAX {
        return Err(BlobError::Large {
            digest: digest.clone(),
            size,
        });
    }
    let mut all = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
    while let Some(some) = bytes.try_next().await? {
        all.extend_from_slice(&some);
    }
    Ok(all)
}

async fn read_file(
    path: PathBuf,
    range: Option<Range<u64>>,
) -> Result<Option<(u64, ByteStream)>, BlobError> {
    let object = path.display().to_string();
    let failed = |source| BlobError::File {
        attempt: "read",
        object: object.clone(),
        source,
    };
    let mut file = match tokio::fs::File::open(&path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    file.set_max_buf_size(READ_BYTES);
    let size = file.metadata().await.map_err(failed)?.len();
    let range = range.unwrap_or(0..size);
    let start = range.start.min(size);
    let left = range.end.min(size).saturating_sub(start);
    if start > 0 {
        file.seek(SeekFrom::Start(start)).await.map_err(failed)?;
    }
    let bytes = stream::try_unfold(
        (file, left, object),
        |(mut file, left, object)| async move {
            if left == 0 {
                return Ok(None);
            }
            let wanted = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
            let mut some = BytesMut::with_capacity(wanted);
            let read = (&mut file).take(left).read_buf(&mut some).await;
            let failed = |source| BlobError::File {
                attempt: "read",
                object: object.clone(),
                source,
            };
            match read {
                Ok(0) => Err(failed(std::io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => Ok(Some((some.freeze(), (file, left - count as u64, object)))),
                Err(error) => Err(failed(error)),
            }
        },
    );
    Ok(Some((size, bytes.boxed())))
}
