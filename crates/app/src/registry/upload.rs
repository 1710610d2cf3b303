//! A member uploads a blob: in one request, or in chunks that any replica takes and that survive a restart. Chunks are
//! objects of their own; the blob appears under its digest at the close, after its bytes were hashed, and not before.
//! Refuses chunks out of order, more bytes than stated or allowed, and a digest that is not that of the bytes.

use oci::range::UploadRange;
use oci::{Digest, ErrorCode, RepositoryName};
use store::blobs::CommitError;
use store::registry::{Usage, uploads};

use super::authorize::{PushPass, unknown};
use super::caller::Caller;
use super::linked::is_there;
use super::log::record;
use super::meter::{Watch, begun, meter};
use super::place::Place;
use super::quota::{self, make_room};
use super::read::find_blob;
use super::refusal::{Fault, Refusal};
use crate::App;
use crate::clock::{HOUR, new_id};

/// Chunks of one upload; the parts of a 10 GiB blob in chunks of 1 MiB are just allowed.
pub const CHUNKS_MAX: usize = 10_240;
/// An upload that nobody continued for so long is dropped.
pub const UPLOAD_IDLE_HOURS_MAX: i64 = 24;

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id in the address.
    pub id: String,
    /// Bytes it holds.
    pub size: u64,
}

/// Bytes on their way in.
pub struct Chunk {
    /// The `Content-Range` header: where they belong.
    pub range: Option<UploadRange>,
    /// The `Content-Length` header: how many there are.
    pub length: Option<u64>,
    /// The bytes.
    pub body: futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>,
}

/// Opens an upload.
pub async fn start_upload(app: &App, pass: &PushPass) -> Result<Upload, Refusal> {
    // The least there can be to come: who has no room at all is told now.
    make_room(app, pass.repository(), None, 1).await?;
    let now = app.clock.now();
    let row = uploads::Upload {
        id: new_id(),
        repo: pass.repository().to_string(),
        account_id: pass.account_id().to_owned(),
        created_at: now,
        updated_at: now,
        size: 0,
    };
    let tx = app.writer.begin().await?;
    uploads::insert(&tx, &row).await?;
    tx.commit().await?;
    Ok(Upload {
        id: row.id,
        size: 0,
    })
}

/// Looks at an upload. Another account's is as unknown as one that never was.
pub async fn find_upload(app: &App, pass: &PushPass, id: &str) -> Result<Upload, Refusal> {
    let row = uploads::find(&app.reader, id).await?.filter(|row| {
        row.repo == pass.repository().as_str() && row.account_id == pass.account_id()
    });
    let missing = || unknown(ErrorCode::BlobUploadUnknown, pass.repository(), id);
    let row = row.ok_or_else(|| Refusal::NotFound(missing()))?;
    Ok(Upload {
        id: row.id,
        size: length(row.size)?,
    })
}

fn length(size: i64) -> Result<u64, Refusal> {
    u64::try_from(size).map_err(|_| Refusal::storage("an upload has a negative size in metadata"))
}

/// Appends a chunk; on a cut line nothing of it is kept, and the upload stands where it stood.
pub async fn append_chunk(
    app: &App,
    pass: &PushPass,
    id: &str,
    chunk: Chunk,
) -> Result<Upload, Refusal> {
    let upload = find_upload(app, pass, id).await?;
    let stated = chunk.stated(app, &upload)?;
    let Some(body) = begun(chunk.body).await else {
        return match stated {
            None | Some(0) => Ok(upload),
            Some(stated) => Err(short(stated, 0)),
        };
    };
    make_room(app, pass.repository(), None, stated.unwrap_or(1)).await?;
    if uploads::chunks(&app.reader, id).await?.len() >= CHUNKS_MAX {
        let message = format!(
            "upload {id} has {CHUNKS_MAX} chunks, the most there may be; start again with larger chunks"
        );
        return Err(Refusal::invalid(ErrorCode::BlobUploadInvalid, message));
    }
    let left = app
        .settings
        .limits
        .blob_bytes_max
        .saturating_sub(upload.size);
    let (counted, watch) = meter(body, stated.unwrap_or(left));
    let written = app
        .blobs
        .put_chunk_stream(id, upload.size, counted, left)
        .await;
    let (key, received) = written.map_err(|error| fate(app, &watch, stated, error))?;
    if stated.is_some_and(|stated| stated != received) {
        drop_chunk(app, &key).await;
        return Err(short(stated.unwrap_or_default(), received));
    }
    if let Err(refusal) = count_chunk(app, pass, &upload, (&key, received)).await {
        drop_chunk(app, &key).await;
        return Err(refusal);
    }
    Ok(Upload {
        id: upload.id,
        size: upload.size + received,
    })
}

/// Makes a written chunk part of its upload, if it still belongs there and there is room for it.
async fn count_chunk(
    app: &App,
    pass: &PushPass,
    upload: &Upload,
    (key, received): (&str, u64),
) -> Result<(), Refusal> {
    let (offset, added) = (signed(upload.size)?, signed(received)?);
    let tx = app.writer.begin().await?;
    let growing = quota::hold(app, &tx, pass.repository()).await?;
    let now = app.clock.now();
    if uploads::append_chunk(&tx, &upload.id, offset, added, key, now).await? {
        let more = Usage {
            bytes: received,
            ..Usage::default()
        };
        growing.keep_within(app, &tx, more).await?;
        tx.commit().await?;
        return Ok(());
    }
    drop(tx);
    let now = find_upload(app, pass, &upload.id).await?;
    Err(Refusal::OutOfOrder {
        id: now.id,
        size: now.size,
    })
}

/// Closes an upload: appends what the body still brings, checks the digest, and links the blob to the repository.
/// Answers the blob's size. An upload whose digest was wrong is gone.
pub async fn finish_upload(
    app: &App,
    pass: &PushPass,
    id: &str,
    digest: &Digest,
    chunk: Chunk,
) -> Result<u64, Refusal> {
    let upload = find_upload(app, pass, id).await?;
    let stated = chunk.stated(app, &upload)?;
    if upload.size == 0 {
        // Everything comes now: no need to write it twice.
        make_room(app, pass.repository(), Some(digest), stated.unwrap_or(1)).await?;
        let stored = store_whole(app, digest, stated, chunk).await;
        if matches!(&stored, Err(Refusal::Invalid(faults)) if faults.iter().any(|f| f.code == ErrorCode::DigestInvalid))
        {
            drop_upload(app, id).await?;
        }
        let size = stored?;
        link(app, pass, digest, size, Some(id)).await?;
        return Ok(size);
    }
    append_chunk(app, pass, id, chunk).await?;
    let keys: Vec<String> = uploads::chunks(&app.reader, id)
        .await?
        .into_iter()
        .map(|chunk| chunk.key)
        .collect();
    let size = match app.blobs.commit(&keys, digest).await {
        Ok(size) => size,
        Err(CommitError::Mismatch { found, .. }) => {
            drop_upload(app, id).await?;
            return Err(mismatch(digest, &found));
        }
        Err(CommitError::ChunkMissing { .. }) => {
            // Another request closed this very upload, or it was swept.
            return Err(Refusal::NotFound(unknown(
                ErrorCode::BlobUploadUnknown,
                pass.repository(),
                id,
            )));
        }
        Err(error) => return Err(Refusal::storage(error)),
    };
    link(app, pass, digest, size, Some(id)).await?;
    drop_chunks(app, id).await;
    Ok(size)
}

/// Stores a blob that comes whole in one request (distribution-spec end-4b).
pub async fn put_blob(
    app: &App,
    pass: &PushPass,
    digest: &Digest,
    chunk: Chunk,
) -> Result<u64, Refusal> {
    let nothing = Upload {
        id: String::new(),
        size: 0,
    };
    let stated = chunk.stated(app, &nothing)?;
    make_room(app, pass.repository(), Some(digest), stated.unwrap_or(1)).await?;
    let size = store_whole(app, digest, stated, chunk).await?;
    link(app, pass, digest, size, None).await?;
    Ok(size)
}

/// Links a blob that this publisher, or this caller, may read already. False when there is nothing to take it from: the
/// client then uploads it. Knowing a digest opens nothing (product ruling 6). Within one publisher leave to push is
/// enough, since clients ask for a token of the target alone.
pub async fn mount_blob(
    app: &App,
    caller: &Caller,
    pass: &PushPass,
    digest: &Digest,
    from: Option<&RepositoryName>,
) -> Result<bool, Refusal> {
    let place = Place::of(pass.repository());
    if let Some(from) = from
        && store::takedowns::hold_in(&app.reader, from.as_str(), digest)
            .await?
            .is_some()
    {
        // Taken down there: whoever has the bytes uploads them.
        return Ok(false);
    }
    let size = match (from, place.publisher()) {
        (Some(from), Some(own)) if Place::of(from).publisher() == Some(own) => {
            let held = store::registry::has_blob(&app.reader, from.as_str(), digest).await?;
            held.map(|held| length(held.size)).transpose()?
        }
        (Some(from), _) => match find_blob(app, caller, from, digest).await {
            Ok(found) => Some(found.size),
            Err(Refusal::Failed(trouble)) => return Err(Refusal::Failed(trouble)),
            Err(_) => None,
        },
        (None, Some(own)) => {
            let own = own.as_str();
            if store::registry::publisher_may_read(&app.reader, own, digest).await? {
                app.blobs.size(digest).await.map_err(Refusal::storage)?
            } else {
                None
            }
        }
        (None, None) => None,
    };
    let Some(size) = size else { return Ok(false) };
    link(app, pass, digest, size, None).await?;
    Ok(true)
}

/// Gives an upload up.
pub async fn cancel_upload(app: &App, pass: &PushPass, id: &str) -> Result<(), Refusal> {
    find_upload(app, pass, id).await?;
    Ok(drop_upload(app, id).await?)
}

/// Drops uploads that nobody continued for [`UPLOAD_IDLE_HOURS_MAX`]; answers how many. For the marketplace's own jobs.
pub async fn drop_stale_uploads(app: &App) -> Result<usize, Refusal> {
    let before = app.clock.now() - UPLOAD_IDLE_HOURS_MAX * HOUR;
    let stale = uploads::stale(&app.reader, before).await?;
    for upload in &stale {
        drop_upload(app, &upload.id).await?;
    }
    Ok(stale.len())
}

/// Forgets an upload, or what came of a blob of an import, and its bytes.
pub(crate) async fn drop_upload(app: &App, id: &str) -> Result<(), store::Error> {
    let tx = app.writer.begin().await?;
    uploads::delete(&tx, id).await?;
    tx.commit().await?;
    drop_chunks(app, id).await;
    Ok(())
}

/// Chunks that cannot be deleted now are swept later; the request they belong to is over either way.
pub(crate) async fn drop_chunks(app: &App, id: &str) {
    if let Err(error) = app.blobs.delete_chunks(id).await {
        tracing::warn!(%error, upload = id, "could not delete upload chunks; the sweep will");
    }
}

/// The same for one that its upload does not count.
pub(crate) async fn drop_chunk(app: &App, key: &str) {
    if let Err(error) = app.blobs.delete_chunk(key).await {
        tracing::warn!(%error, chunk = key, "could not delete an upload chunk; the sweep will");
    }
}

async fn store_whole(
    app: &App,
    digest: &Digest,
    stated: Option<u64>,
    chunk: Chunk,
) -> Result<u64, Refusal> {
    let blob_bytes_max = app.settings.limits.blob_bytes_max;
    let (counted, watch) = meter(chunk.body, stated.unwrap_or(u64::MAX).min(blob_bytes_max));
    let stored = app
        .blobs
        .put_verified(digest, counted, blob_bytes_max)
        .await;
    stored.map_err(|error| match error {
        CommitError::Mismatch { found, size, .. } if stated.is_none_or(|stated| stated == size) => {
            mismatch(digest, &found)
        }
        other => fate(app, &watch, stated, other),
    })
}

impl Chunk {
    /// How many bytes the client says it sends. Refuses a chunk that begins elsewhere than the upload stands, two
    /// statements that disagree, and more than a blob may have.
    fn stated(&self, app: &App, upload: &Upload) -> Result<Option<u64>, Refusal> {
        if let Some(range) = self.range {
            if range.0.first != upload.size {
                return Err(Refusal::OutOfOrder {
                    id: upload.id.clone(),
                    size: upload.size,
                });
            }
            if let Some(length) = self.length
                && length != range.0.len()
            {
                let message = format!(
                    "Content-Range {range} is {} bytes, but Content-Length says {length}",
                    range.0.len()
                );
                return Err(Refusal::invalid(ErrorCode::SizeInvalid, message));
            }
        }
        let stated = self.range.map(|range| range.0.len()).or(self.length);
        let total = upload.size.saturating_add(stated.unwrap_or(0));
        if total > app.settings.limits.blob_bytes_max {
            return Err(too_large(app, Some(total)));
        }
        Ok(stated)
    }
}

/// What a write that failed means to the client.
fn fate(app: &App, watch: &Watch, stated: Option<u64>, error: CommitError) -> Refusal {
    match (error, stated) {
        (CommitError::TooLarge { .. }, _) => too_large(app, None),
        (CommitError::Mismatch { .. } | CommitError::Source(_), Some(stated))
            if watch.over() || !watch.broken() =>
        {
            short(stated, watch.received())
        }
        (CommitError::Source(_), _) if watch.over() => too_large(app, None),
        (CommitError::Source(_), _) => {
            let received = watch.received();
            let message = format!(
                "the connection broke after {received} bytes; ask where the upload stands and go on from there"
            );
            Refusal::Interrupted(Fault::new(ErrorCode::BlobUploadInvalid, message))
        }
        (other, _) => Refusal::storage(other),
    }
}

fn too_large(app: &App, found: Option<u64>) -> Refusal {
    let limit = app.settings.limits.blob_bytes_max;
    let found = found.map_or_else(|| "more".to_owned(), |found| found.to_string());
    Refusal::TooLarge(Fault::new(
        ErrorCode::SizeInvalid,
        format!("a blob may have {limit} bytes, found {found}; split the layer"),
    ))
}

fn short(stated: u64, received: u64) -> Refusal {
    let message =
        format!("{stated} bytes were announced, but {received} came; send the chunk again");
    Refusal::invalid(ErrorCode::SizeInvalid, message)
}

fn mismatch(stated: &Digest, found: &Digest) -> Refusal {
    let fault = Fault::new(
        ErrorCode::DigestInvalid,
        format!(
            "the blob was announced as {stated}, but its bytes have the digest {found}; nothing was kept: upload it again"
        ),
    );
    Refusal::Invalid(vec![
        fault.with(serde_json::json!({"stated": stated, "found": found})),
    ])
}

fn signed(size: u64) -> Result<i64, Refusal> {
    i64::try_from(size).map_err(|_| Refusal::storage("a size over 2^63 bytes"))
}

/// Makes the blob visible in the repository, and ends its upload, in one transaction.
async fn link(
    app: &App,
    pass: &PushPass,
    digest: &Digest,
    size: u64,
    upload: Option<&str>,
) -> Result<(), Refusal> {
    let tx = app.writer.begin().await?;
    if let Some(reason) = store::registry::block_reason(&tx, digest).await? {
        return Err(Refusal::Denied(format!(
            "{digest} was taken down by the operator and cannot be pushed again: {reason}"
        )));
    }
    let name = pass.repository().as_str();
    let known = store::registry::has_blob(&tx, name, digest)
        .await?
        .is_some();
    let growing = match known {
        true => None,
        false => Some(quota::hold(app, &tx, pass.repository()).await?),
    };
    let mut more = size;
    let bytes = signed(size)?;
    store::registry::link_blob(&tx, name, digest, bytes, false, app.clock.now()).await?;
    if let Some(id) = upload {
        // Its chunks were counted when they came.
        let counted = uploads::find(&tx, id).await?.map(|row| length(row.size));
        more = size.saturating_sub(counted.transpose()?.unwrap_or_default());
        uploads::delete(&tx, id).await?;
    }
    if let Some(growing) = growing {
        let more = growing.linked(more, 0);
        growing.keep_within(app, &tx, more).await?;
    }
    let data = serde_json::json!({"digest": digest, "bytes": bytes});
    record(app, &tx, pass, "blob_pushed", data).await?;
    tx.commit().await?;
    if is_there(app, name, digest, size)
        .await
        .map_err(Refusal::Failed)?
    {
        return Ok(());
    }
    let message = format!("{digest} was unused and removed while it was pushed; push it again");
    Err(Refusal::Interrupted(Fault::new(
        ErrorCode::BlobUploadInvalid,
        message,
    )))
}
