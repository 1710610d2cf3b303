//! Brings one blob of an import here. A large one comes in parts that are kept durably, as chunks of an upload are, so
//! that after a kill any process asks the publisher's registry only for the rest (`Range`). Whatever way the bytes
//! came, the whole is hashed before it appears under its digest.

use std::time::Duration;

use bytes::Bytes;
use domain::lifecycle::State;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Descriptor, Digest};
use store::Tx;
use store::blobs::{Blobs, CommitError, PART_BYTES};
use store::registry::uploads;
use store::submissions::Submission;
use tokio::time::Instant;

use super::import::log;
use crate::App;
use crate::error::{Refused, Trouble};
use crate::registry::{drop_chunk, drop_chunks, drop_upload, is_there, quota};
use crate::upstream::{Registry, UpstreamError};

/// A part is kept when it has come to so many bytes: what a kill costs at most for each blob under way.
const PART_BYTES_MAX: usize = PART_BYTES;
/// On a thin line a part is kept sooner, yet not so soon that a blob falls into crumbs.
const PART_BYTES_MIN: usize = 1024 * 1024;
/// How long bytes wait in memory on a thin line.
const PART_SECONDS_MAX: u64 = 15;
/// Times a blob is fetched from its first byte when the whole had a wrong digest: parts of several answers may not fit
/// together although each answer was fine.
const WHOLE_TRIES_MAX: u32 = 2;

/// Why a blob did not come.
pub(super) enum FetchError {
    /// The publisher's registry.
    Upstream(UpstreamError),
    /// Something only the publisher can change.
    Publisher(String),
    /// This marketplace.
    Ours(Refused),
}

impl From<store::Error> for FetchError {
    fn from(error: store::Error) -> Self {
        Self::Ours(error.into())
    }
}

fn storage(digest: &Digest, error: &dyn std::fmt::Display) -> FetchError {
    let told = format!("blob {digest}: {error}");
    FetchError::Ours(Refused::Failed(Trouble::Storage(told)))
}

/// One blob on its way into one repository.
struct Way<'a> {
    app: &'a App,
    submission: &'a Submission,
    registry: &'a Registry,
    repo: &'a str,
    blob: Descriptor,
    /// The same for every process that ever imports this blob into this repository.
    id: String,
}

/// Brings one blob here and links it; answers the bytes that had to travel this time.
pub(super) async fn fetch(
    app: &App,
    submission: &Submission,
    registry: &Registry,
    repo: &str,
    blob: Descriptor,
) -> Result<u64, FetchError> {
    let place = Digest::sha256_of(format!("{repo}\n{}", blob.digest).as_bytes());
    let way = Way {
        app,
        submission,
        registry,
        repo,
        id: format!("import-{}", &place.hex()[..48]),
        blob,
    };
    if way.blob.size <= PART_BYTES_MAX as u64 {
        way.at_once().await
    } else {
        way.in_parts().await
    }
}

/// Brings one blob into the storage at once, verified.
pub(super) async fn take(
    registry: &Registry,
    blobs: &Blobs,
    blob: &Descriptor,
) -> Result<(), FetchError> {
    let Descriptor { digest, size, .. } = blob;
    let body = registry.blob(digest, *size, 0).await;
    let body = body.map_err(FetchError::Upstream)?;
    let failed = std::sync::Mutex::new(None);
    let body = body.map_err(|error| {
        let told = std::io::Error::other(error.to_string());
        if let Ok(mut slot) = failed.lock() {
            *slot = Some(error);
        }
        told
    });
    let stored = blobs.put_verified(digest, body.boxed(), *size).await;
    let Err(error) = stored else {
        return Ok(());
    };
    let upstream = failed.lock().ok().and_then(|mut slot| slot.take());
    Err(match upstream {
        Some(upstream) => FetchError::Upstream(upstream),
        None if error.is_content() => FetchError::Upstream(UpstreamError::corrupt(digest, &error)),
        None => storage(digest, &error),
    })
}

/// Forgets what is left of blobs that a submission will not go on with; gives what [`drop_parts`] takes once that is
/// committed. The rows are read by the writer, so that a change of a fetch that was just broken off is waited for.
pub(super) async fn forget_parts(
    tx: &Tx,
    submission: &Submission,
) -> Result<Vec<String>, store::Error> {
    let mut forgotten = Vec::new();
    for plan in &submission.frozen.plans {
        let repo = submission.key.repository(&plan.plan);
        for part in uploads::of_repository(tx, &repo).await? {
            uploads::delete(tx, &part.id).await?;
            forgotten.push(part.id);
        }
    }
    Ok(forgotten)
}

/// Drops the bytes of forgotten parts.
pub(crate) async fn drop_parts(app: &App, ids: &[String]) {
    for id in ids {
        drop_chunks(app, id).await;
    }
}

impl Way<'_> {
    /// Small enough to begin anew after a kill.
    async fn at_once(&self) -> Result<u64, FetchError> {
        take(self.registry, &self.app.blobs, &self.blob).await?;
        self.link(None).await?;
        Ok(self.blob.size)
    }

    async fn in_parts(&self) -> Result<u64, FetchError> {
        let digest = &self.blob.digest;
        let mut travelled = 0;
        let mut tries = 0;
        loop {
            tries += 1;
            let kept = self.kept().await?;
            if kept > 0 {
                self.tell(&format!("goes on at byte {kept} of {}", self.blob.size))
                    .await?;
            }
            travelled += self.receive(kept).await?;
            let parts = uploads::chunks(&self.app.reader, &self.id).await?;
            let keys: Vec<String> = parts.into_iter().map(|part| part.key).collect();
            match self.app.blobs.commit(&keys, digest).await {
                Ok(_) => break,
                Err(error @ (CommitError::Mismatch { .. } | CommitError::ChunkMissing { .. })) => {
                    drop_upload(self.app, &self.id).await?;
                    if tries == WHOLE_TRIES_MAX {
                        return Err(FetchError::Upstream(UpstreamError::corrupt(digest, &error)));
                    }
                    self.tell(&format!("is fetched again from its first byte: {error}"))
                        .await?;
                }
                Err(error) => return Err(storage(digest, &error)),
            }
        }
        self.link(Some(&self.id)).await?;
        drop_chunks(self.app, &self.id).await;
        Ok(travelled)
    }

    async fn tell(&self, what: &str) -> Result<(), FetchError> {
        let line = format!("blob {} {what}", self.blob.digest.short());
        Ok(log(self.app, self.submission, &line).await?)
    }

    /// How many bytes are here from before; makes the row that counts them.
    async fn kept(&self) -> Result<u64, FetchError> {
        let row = uploads::find(&self.app.reader, &self.id).await?;
        if let Some(row) = row {
            match u64::try_from(row.size) {
                Ok(size) if size <= self.blob.size => return Ok(size),
                _ => drop_upload(self.app, &self.id).await?,
            }
        }
        let now = self.app.clock.now();
        let row = uploads::Upload {
            id: self.id.clone(),
            repo: self.repo.to_owned(),
            // Nobody's: no account continues it through the registry.
            account_id: String::new(),
            created_at: now,
            updated_at: now,
            size: 0,
        };
        let tx = self.app.writer.begin().await?;
        uploads::insert(&tx, &row).await?;
        tx.commit().await?;
        Ok(0)
    }

    /// Receives from `kept` to the end, part by part; answers the bytes that travelled. When the registry gives out,
    /// what came until then is kept.
    async fn receive(&self, kept: u64) -> Result<u64, FetchError> {
        let body = self
            .registry
            .blob(&self.blob.digest, self.blob.size, kept)
            .await
            .map_err(FetchError::Upstream)?;
        let mut body = body.boxed();
        let mut part = Part::new(kept);
        loop {
            match tokio::time::timeout_at(part.until, body.try_next()).await {
                Ok(Ok(Some(bytes))) => {
                    if part.bytes + bytes.len() > PART_BYTES_MAX {
                        self.keep(&mut part).await?;
                    }
                    part.push(bytes);
                }
                Ok(Ok(None)) => {
                    self.keep(&mut part).await?;
                    return Ok(part.offset - kept);
                }
                Ok(Err(error)) => {
                    self.keep(&mut part).await?;
                    return Err(FetchError::Upstream(error));
                }
                Err(_) if part.bytes >= PART_BYTES_MIN => self.keep(&mut part).await?,
                Err(_) => part.wait(),
            }
        }
    }

    /// Writes a part down, then counts it.
    async fn keep(&self, part: &mut Part) -> Result<(), FetchError> {
        if part.bytes == 0 {
            part.wait();
            return Ok(());
        }
        let (held, bytes) = (std::mem::take(&mut part.held), part.bytes);
        let held = stream::iter(held.into_iter().map(Ok::<_, std::io::Error>));
        let written = self
            .app
            .blobs
            .put_chunk_stream(&self.id, part.offset, held, bytes as u64)
            .await;
        let (key, _) = written.map_err(|error| storage(&self.blob.digest, &error))?;
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (offset, length) = (signed(part.offset), signed(bytes as u64));
        let now = self.app.clock.now();
        let tx = self.app.writer.begin().await?;
        let counted = uploads::append_chunk(&tx, &self.id, offset, length, &key, now).await?;
        if !counted {
            drop(tx);
            drop_chunk(self.app, &key).await;
            return Err(storage(
                &self.blob.digest,
                &"another process is importing the same blob; this one stands back",
            ));
        }
        let publisher = &self.submission.key.publisher;
        quota::count_part(self.app, &tx, publisher, bytes as u64).await?;
        tx.commit().await?;
        *part = Part::new(part.offset + bytes as u64);
        self.still_wanted().await
    }

    /// A cancelled submission is not gone on with: its successor may be fetching the same blob.
    async fn still_wanted(&self) -> Result<(), FetchError> {
        let found = store::submissions::find(&self.app.reader, &self.submission.id).await?;
        if found.is_some_and(|found| found.state == State::Importing) {
            return Ok(());
        }
        let told = "the submission ended while its image was coming in";
        Err(FetchError::Ours(Refused::Conflict(told.to_owned())))
    }

    /// Makes the blob part of the repository, and its upload history, in one transaction.
    async fn link(&self, upload: Option<&str>) -> Result<(), FetchError> {
        let size = i64::try_from(self.blob.size).unwrap_or(i64::MAX);
        let now = self.app.clock.now();
        let tx = self.app.writer.begin().await?;
        let publisher = &self.submission.key.publisher;
        let growing = quota::begin(self.app, &tx, publisher, self.repo).await?;
        store::registry::link_blob(&tx, self.repo, &self.blob.digest, size, false, now).await?;
        // Parts were counted when they came.
        let more = match upload {
            Some(_) => 0,
            None => self.blob.size,
        };
        if let Some(id) = upload {
            uploads::delete(&tx, id).await?;
        }
        let more = growing.linked(more, 0);
        if let Some(why) = growing.refusal(self.app, &tx, more).await? {
            return Err(FetchError::Publisher(why));
        }
        tx.commit().await?;
        let digest = &self.blob.digest;
        match is_there(self.app, self.repo, digest, self.blob.size).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(storage(digest, &"removed while it was brought here")),
            Err(trouble) => Err(FetchError::Ours(Refused::Failed(trouble))),
        }
    }
}

/// Bytes that came and are not written down yet.
struct Part {
    offset: u64,
    held: Vec<Bytes>,
    bytes: usize,
    until: Instant,
}

impl Part {
    fn new(offset: u64) -> Self {
        Self {
            offset,
            held: Vec::new(),
            bytes: 0,
            until: Instant::now() + Duration::from_secs(PART_SECONDS_MAX),
        }
    }

    fn push(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.held.push(bytes);
    }

    fn wait(&mut self) {
        self.until = Instant::now() + Duration::from_secs(PART_SECONDS_MAX);
    }
}
