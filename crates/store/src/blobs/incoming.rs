//! One object being written. Small ones go in one request, large ones in parts, one of which is written while the next
//! arrives and is hashed; either way nothing can be seen under the name before [`Incoming::finish`]. Dropped half-way, a
//! local object leaves nothing; on S3 the parts stay unseen until the bucket's rule for incomplete uploads removes them.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::task::JoinHandle;

use super::ahead::Ahead;
use super::{BlobError, Blobs};

/// Size of a part in a bucket; two of them, at most, are in memory for one object. S3 allows 10,000 parts, so an object is
/// at most 80 GB.
pub const PART_BYTES: usize = 8 * 1024 * 1024;
/// Size of a part in a folder: small enough to be written while the processor still has at hand what was hashed.
const FILE_PART_BYTES: usize = 1024 * 1024;

pub(super) struct Incoming<'a> {
    blobs: &'a Blobs,
    path: &'a Path,
    part_bytes: usize,
    held: Vec<Bytes>,
    held_bytes: usize,
    parts: Option<Box<dyn MultipartUpload>>,
    /// The part that is being written.
    under_way: Option<JoinHandle<object_store::Result<()>>>,
    ahead: Ahead,
    /// Bytes in the parts before the one held.
    sent: u64,
    size: u64,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(blobs: &'a Blobs, path: &'a Path) -> Self {
        let file = blobs.local.is_some();
        Self {
            blobs,
            path,
            part_bytes: if file { FILE_PART_BYTES } else { PART_BYTES },
            held: Vec::new(),
            held_bytes: 0,
            parts: None,
            under_way: None,
            ahead: Ahead::default(),
            sent: 0,
            size: 0,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes; waits while a part is written, so that a fast sender never fills the memory.
    pub(super) async fn push(&mut self, mut bytes: Bytes) -> Result<(), BlobError> {
        self.size += bytes.len() as u64;
        while self.held_bytes + bytes.len() > self.part_bytes {
            self.hold(bytes.split_to(self.part_bytes - self.held_bytes));
            self.flush().await?;
        }
        self.hold(bytes);
        Ok(())
    }

    fn hold(&mut self, bytes: Bytes) {
        self.held_bytes += bytes.len();
        if !bytes.is_empty() {
            self.held.push(bytes);
        }
    }

    fn take_held(&mut self) -> PutPayload {
        self.held_bytes = 0;
        std::mem::take(&mut self.held).into_iter().collect()
    }

    /// Waits for the part before, then begins to write the one held.
    async fn flush(&mut self) -> Result<(), BlobError> {
        self.written().await?;
        self.ahead.written(self.sent);
        self.sent += self.held_bytes as u64;
        let part = self.take_held();
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let started = self.blobs.store.put_multipart(self.path).await;
                self.ahead = Ahead::of(self.blobs, self.path);
                self.parts
                    .insert(started.map_err(BlobError::storage("begin to write", self.path))?)
            }
        };
        self.under_way = Some(tokio::spawn(parts.put_part(part)));
        Ok(())
    }

    /// Waits until nothing is being written any more.
    async fn written(&mut self) -> Result<(), BlobError> {
        let Some(part) = self.under_way.take() else {
            return Ok(());
        };
        let written = part.await.unwrap_or_else(|error| {
            Err(object_store::Error::Generic {
                store: "part",
                source: Box::new(error),
            })
        });
        written.map_err(BlobError::storage("write to", self.path))
    }

    /// Makes the whole object visible under its name, durably.
    pub(super) async fn finish(mut self) -> Result<u64, BlobError> {
        if self.parts.is_some() {
            self.flush().await?;
            self.written().await?;
        }
        let rest = self.take_held();
        let done = match &mut self.parts {
            Some(parts) => parts.complete().await,
            None => self.blobs.store.put(self.path, rest).await,
        };
        done.map_err(BlobError::storage("finish writing", self.path))?;
        Ok(self.size)
    }

    /// Gives the object up. A failure leaves at most unseen parts, so it is only logged.
    pub(super) async fn abort(mut self) {
        if let Err(error) = self.written().await {
            tracing::debug!(object = %self.path, %error, "a part of an object given up was not written");
        }
        if let Some(parts) = &mut self.parts
            && let Err(error) = parts.abort().await
        {
            tracing::warn!(object = %self.path, %error, "could not give up a half-written object");
        }
    }
}
