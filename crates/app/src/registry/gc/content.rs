//! Content that no repository holds: marked, and removed when the mark is older than the grace.

use futures_util::TryStreamExt as _;
use oci::Digest;
use store::blobs::{BlobError, StoredBlob};
use store::registry::condemned::{
    BATCH_MAX, Kind, begin_removal, due, forget_if_linked, linked_blobs, mark, not_removed,
    remove_manifest, removed, unlinked_manifests,
};

use super::super::refusal::Refusal;
use super::{GcReport, Run};
use crate::App;

/// Digests read from the database at a time.
const PAGE_DIGESTS: u64 = 400;

pub(super) async fn remove(app: &App, run: Run<'_>, report: &mut GcReport) -> Result<(), Refusal> {
    // First what earlier runs marked, so that a mark is never set and used in one run.
    for kind in [Kind::Manifest, Kind::Blob] {
        remove_due(app, run, kind, report).await?;
    }
    if (run.stopped)() {
        return Ok(());
    }
    mark_manifests(app, run, report).await?;
    mark_blobs(app, run, report).await
}

async fn remove_due(
    app: &App,
    run: Run<'_>,
    kind: Kind,
    report: &mut GcReport,
) -> Result<(), Refusal> {
    let mut after: Option<Digest> = None;
    loop {
        let page = due(&app.reader, kind, run.before, after.as_ref(), PAGE_DIGESTS).await?;
        for digest in &page {
            if (run.stopped)() {
                return Ok(());
            }
            let done = match kind {
                Kind::Manifest => manifest(app, run, digest, report).await,
                Kind::Blob => blob(app, run, digest, report).await,
            };
            report.note("content", digest.as_str(), done);
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn manifest(
    app: &App,
    run: Run<'_>,
    digest: &Digest,
    report: &mut GcReport,
) -> Result<(), Refusal> {
    if run.dry {
        report.manifests_removed += 1;
        return Ok(());
    }
    let tx = app.writer.begin().await?;
    let begun = begin_removal(&tx, Kind::Manifest, digest, run.before, app.clock.now()).await?;
    if begun && remove_manifest(&tx, digest).await? {
        report.manifests_removed += 1;
    }
    if begun {
        removed(&tx, Kind::Manifest, digest).await?;
    } else {
        forget_if_linked(&tx, Kind::Manifest, digest).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn blob(
    app: &App,
    run: Run<'_>,
    digest: &Digest,
    report: &mut GcReport,
) -> Result<(), Refusal> {
    // Bytes written a moment ago are somebody's who is about to link them; they get their own grace.
    let old = |found: &StoredBlob| found.modified < run.before;
    if run.dry {
        let found = app.blobs.find(digest).await.map_err(Refusal::storage)?;
        if let Some(found) = found.filter(old) {
            report.blobs_removed += 1;
            report.bytes_removed += found.size;
        }
        return Ok(());
    }
    if let Removal::Gone(Some(bytes)) = remove_blob(app, digest, run.before, old).await? {
        report.blobs_removed += 1;
        report.bytes_removed += bytes;
    }
    Ok(())
}

/// What came of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Done; so many bytes were there.
    Gone(Option<u64>),
    /// A repository holds it, so it stays and is marked no more.
    Needed,
    /// Another process is removing it, or it is not marked for long enough.
    Busy,
}

/// Removes the bytes of a blob that was marked at `before` or earlier, if `which` says so of what is stored. Nobody can
/// link it meanwhile; when the storage refuses, it can be linked again at once.
async fn remove_blob(
    app: &App,
    digest: &Digest,
    before: i64,
    which: impl Fn(&StoredBlob) -> bool,
) -> Result<Removal, Refusal> {
    let tx = app.writer.begin().await?;
    if !begin_removal(&tx, Kind::Blob, digest, before, app.clock.now()).await? {
        forget_if_linked(&tx, Kind::Blob, digest).await?;
        // Also what was never marked, because another repository held it all the time.
        let needed = store::registry::is_blob_linked(&tx, digest).await?;
        tx.commit().await?;
        return Ok(if needed {
            Removal::Needed
        } else {
            Removal::Busy
        });
    }
    tx.commit().await?;
    let deleted = delete(app, digest, which).await;
    let tx = app.writer.begin().await?;
    match &deleted {
        Ok(_) => removed(&tx, Kind::Blob, digest).await?,
        Err(_) => not_removed(&tx, Kind::Blob, digest).await?,
    }
    tx.commit().await?;
    Ok(Removal::Gone(deleted.map_err(Refusal::storage)?))
}

/// Removes the bytes of a blob at once, unless a repository holds it.
pub(crate) async fn remove_unlinked(app: &App, digest: &Digest) -> Result<Removal, Refusal> {
    let now = app.clock.now();
    let tx = app.writer.begin().await?;
    if !store::registry::is_blob_linked(&tx, digest).await? {
        mark(&tx, Kind::Blob, digest, now).await?;
    }
    tx.commit().await?;
    remove_blob(app, digest, now, |_| true).await
}

async fn delete(
    app: &App,
    digest: &Digest,
    which: impl Fn(&StoredBlob) -> bool,
) -> Result<Option<u64>, BlobError> {
    let Some(found) = app.blobs.find(digest).await?.filter(which) else {
        return Ok(None);
    };
    app.blobs.delete(digest).await?;
    Ok(Some(found.size))
}

async fn mark_manifests(app: &App, run: Run<'_>, report: &mut GcReport) -> Result<(), Refusal> {
    let mut after: Option<Digest> = None;
    loop {
        let page = unlinked_manifests(&app.reader, after.as_ref(), PAGE_DIGESTS).await?;
        mark_all(app, run, Kind::Manifest, &page, report).await?;
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn mark_blobs(app: &App, run: Run<'_>, report: &mut GcReport) -> Result<(), Refusal> {
    let mut stored = app.blobs.list();
    let mut batch: Vec<Digest> = Vec::with_capacity(BATCH_MAX);
    loop {
        let next = stored.try_next().await.map_err(Refusal::storage)?;
        let ended = next.is_none();
        batch.extend(
            next.filter(|blob| blob.modified < run.before)
                .map(|blob| blob.digest),
        );
        if (run.stopped)() {
            return Ok(());
        }
        if batch.len() == BATCH_MAX || ended {
            let linked = linked_blobs(&app.reader, &batch).await?;
            batch.retain(|digest| !linked.contains(digest));
            mark_all(app, run, Kind::Blob, &batch, report).await?;
            batch.clear();
        }
        if ended {
            return Ok(());
        }
    }
}

async fn mark_all(
    app: &App,
    run: Run<'_>,
    kind: Kind,
    digests: &[Digest],
    report: &mut GcReport,
) -> Result<(), Refusal> {
    if digests.is_empty() {
        return Ok(());
    }
    if run.dry {
        report.marked += u64::try_from(digests.len()).unwrap_or(u64::MAX);
        return Ok(());
    }
    let now = app.clock.now();
    let tx = app.writer.begin().await?;
    for digest in digests {
        if mark(&tx, kind, digest, now).await? {
            report.marked += 1;
        }
    }
    tx.commit().await?;
    Ok(())
}
