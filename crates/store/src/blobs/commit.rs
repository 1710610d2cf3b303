//! Bytes coming in: chunks of uploads, whole blobs from upstream, pictures. Hashed on the way, kept only if right.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use oci::{Digest, DigestHasher};

use super::incoming::Incoming;
use super::{BlobError, Blobs, WHOLE_BYTES_MAX};

/// Why incoming bytes were not kept. Nothing of them is visible.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The bytes are not what their name says.
    #[error("the content has the digest {found} ({size} bytes), not {expected}")]
    Mismatch {
        /// What was promised.
        expected: Digest,
        /// What the bytes hash to.
        found: Digest,
        /// How many they are.
        size: u64,
    },
    /// More bytes came than are allowed.
    #[error("the content is larger than the {max} bytes allowed here")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// A chunk that the upload counts on is gone; the upload has to begin anew.
    #[error("the chunk {key} of the upload is gone; start the upload again")]
    ChunkMissing {
        /// Its key.
        key: String,
    },
    /// Whoever sent the bytes broke off.
    #[error("the content ended early: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] BlobError),
}

impl CommitError {
    /// Whether the bytes were wrong, rather than their way here or the storage.
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Mismatch { .. } | Self::TooLarge { .. })
    }
}

impl Blobs {
    /// Keeps a chunk of an upload, of at most `max` bytes, as it streams in; tells its length and its key, which goes into
    /// the upload's row. Two chunks for the same place get different keys, so that the one that loses the race cannot spoil
    /// the other. A chunk that breaks off or is too large is dropped whole.
    pub async fn put_chunk_stream<E>(
        &self,
        upload: &str,
        offset: u64,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send,
        max: u64,
    ) -> Result<(String, u64), CommitError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (path, key) = self.new_chunk(upload, offset)?;
        let size = receive(self, &path, bytes, max, None).await?;
        Ok((key, size))
    }

    fn new_chunk(&self, upload: &str, offset: u64) -> Result<(Path, String), BlobError> {
        let name = format!("{offset:020}-{}", uuid::Uuid::now_v7().simple());
        let path = self.upload(upload)?.join(name.as_str());
        Ok((path, format!("uploads/{upload}/{name}")))
    }

    pub(super) fn chunk(&self, key: &str) -> Result<Path, BlobError> {
        let refused = || BlobError::Name(key.chars().take(120).collect());
        let parts: Vec<&str> = key.split('/').collect();
        match parts.as_slice() {
            ["uploads", upload, name] if !name.is_empty() => Ok(self.upload(upload)?.join(*name)),
            _ => Err(refused()),
        }
    }

    /// Makes a blob of an upload's chunks, in order, if together they hash to `expected`; tells its size. The
    /// chunks stay, so that it can be done again after a crash; [`Blobs::delete_chunks`] removes them.
    pub async fn commit(&self, chunks: &[String], expected: &Digest) -> Result<u64, CommitError> {
        let paths: Vec<Path> = chunks
            .iter()
            .map(|key| self.chunk(key))
            .collect::<Result<_, _>>()?;
        let target = self.blob(expected);
        if let [only] = paths.as_slice() {
            // The common case, a blob sent in one piece: read it once, then let the storage copy it (locally a
            // second name for the same file).
            let size = self.verify(only, expected).await?;
            if size <= self.copy_bytes_max {
                let copied = self.store.copy(only, &target).await;
                copied.map_err(BlobError::storage("copy the upload to", &target))?;
                return match self.size(expected).await? {
                    Some(found) if found == size => Ok(size),
                    found => Err(BlobError::Unlike {
                        digest: expected.clone(),
                        size,
                        found,
                    }
                    .into()),
                };
            }
        }
        let blobs = self.clone();
        let bytes = stream::iter(paths)
            .then(move |path| {
                let blobs = blobs.clone();
                async move { blobs.chunk_bytes(&path).await }
            })
            .try_flatten();
        receive_own(self, &target, bytes, expected).await
    }

    async fn chunk_bytes(
        &self,
        path: &Path,
    ) -> Result<impl Stream<Item = Result<Bytes, CommitError>> + Send + use<>, CommitError> {
        let found = self.read_object(path, None).await?;
        let (_, bytes) = found.ok_or_else(|| CommitError::ChunkMissing {
            key: path.to_string(),
        })?;
        Ok(bytes.map_err(CommitError::Storage))
    }

    async fn verify(&self, path: &Path, expected: &Digest) -> Result<u64, CommitError> {
        let mut bytes = pin!(self.chunk_bytes(path).await?);
        let mut hasher = DigestHasher::new(expected.algorithm());
        let mut size = 0;
        while let Some(some) = bytes.try_next().await? {
            hasher.update(&some);
            size += some.len() as u64;
        }
        check(hasher, expected, size)?;
        Ok(size)
    }

    /// Keeps a blob of at most `max` bytes that streams in from elsewhere, if it hashes to `expected`; tells its
    /// size.
    pub async fn put_verified<E>(
        &self,
        expected: &Digest,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send,
        max: u64,
    ) -> Result<u64, CommitError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        receive(self, &self.blob(expected), bytes, max, Some(expected)).await
    }

    /// Removes one chunk that no upload will count on; one that is gone is removed already.
    pub async fn delete_chunk(&self, key: &str) -> Result<(), BlobError> {
        self.remove(&self.chunk(key)?).await
    }

    /// Keeps a picture of at most [`WHOLE_BYTES_MAX`] bytes under its digest.
    pub async fn put_media(&self, digest: &Digest, bytes: Bytes) -> Result<(), CommitError> {
        if bytes.len() as u64 > WHOLE_BYTES_MAX {
            return Err(CommitError::TooLarge {
                max: WHOLE_BYTES_MAX,
            });
        }
        let found = Digest::of(digest.algorithm(), &bytes);
        if found != *digest {
            let size = bytes.len() as u64;
            return Err(CommitError::Mismatch {
                expected: digest.clone(),
                found,
                size,
            });
        }
        let path = self.named("media", digest);
        let put = self.store.put(&path, bytes.into()).await;
        put.map_err(BlobError::storage("write", &path))?;
        Ok(())
    }
}

impl Blobs {
    /// Keeps the event log of a run, compressed, of at most [`WHOLE_BYTES_MAX`] bytes; tells its name.
    pub async fn put_run_log(&self, bytes: Bytes) -> Result<Digest, CommitError> {
        if bytes.len() as u64 > WHOLE_BYTES_MAX {
            return Err(CommitError::TooLarge {
                max: WHOLE_BYTES_MAX,
            });
        }
        let digest = Digest::sha256_of(&bytes);
        let path = self.named("runs", &digest);
        let put = self.store.put(&path, bytes.into()).await;
        put.map_err(BlobError::storage("write", &path))?;
        Ok(digest)
    }

    /// Removes the event log of a run; one that is not here is removed already.
    pub async fn delete_run_log(&self, digest: &Digest) -> Result<(), BlobError> {
        self.remove(&self.named("runs", digest)).await
    }
}

fn check(hasher: DigestHasher, expected: &Digest, size: u64) -> Result<(), CommitError> {
    let found = hasher.finish();
    if found == *expected {
        return Ok(());
    }
    Err(CommitError::Mismatch {
        expected: expected.clone(),
        found,
        size,
    })
}

/// Bytes from elsewhere: their errors are the sender's.
pub(super) async fn receive<E>(
    blobs: &Blobs,
    path: &Path,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    max: u64,
    expected: Option<&Digest>,
) -> Result<u64, CommitError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bytes = bytes.map_err(|error| CommitError::Source(error.into()));
    keep(blobs, path, bytes, max, expected).await
}

/// Bytes that were ours already.
async fn receive_own(
    blobs: &Blobs,
    path: &Path,
    bytes: impl Stream<Item = Result<Bytes, CommitError>> + Send,
    expected: &Digest,
) -> Result<u64, CommitError> {
    keep(blobs, path, bytes, u64::MAX, Some(expected)).await
}

/// Bytes that were ours already, whatever they hash to.
pub(super) async fn receive_as_it_is(
    blobs: &Blobs,
    path: &Path,
    bytes: impl Stream<Item = Result<Bytes, CommitError>> + Send,
) -> Result<u64, CommitError> {
    keep(blobs, path, bytes, u64::MAX, None).await
}

async fn keep(
    blobs: &Blobs,
    path: &Path,
    bytes: impl Stream<Item = Result<Bytes, CommitError>> + Send,
    max: u64,
    expected: Option<&Digest>,
) -> Result<u64, CommitError> {
    let mut incoming = Incoming::new(blobs, path);
    match fill(&mut incoming, bytes, max, expected).await {
        Ok(()) => Ok(incoming.finish().await?),
        Err(error) => {
            incoming.abort().await;
            Err(error)
        }
    }
}

async fn fill(
    incoming: &mut Incoming<'_>,
    bytes: impl Stream<Item = Result<Bytes, CommitError>> + Send,
    max: u64,
    expected: Option<&Digest>,
) -> Result<(), CommitError> {
    let mut bytes = pin!(bytes);
    let mut hasher = expected.map(|digest| DigestHasher::new(digest.algorithm()));
    while let Some(some) = bytes.try_next().await? {
        if incoming.size() + some.len() as u64 > max {
            return Err(CommitError::TooLarge { max });
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&some);
        }
        incoming.push(some).await?;
    }
    match (hasher, expected) {
        (Some(hasher), Some(expected)) => check(hasher, expected, incoming.size()),
        _ => Ok(()),
    }
}
