//! Content that no repository holds: marked, and removed when the mark is older than the grace.

use futures_util::TryStreamExt as _;
use oci::Digest;
use store::blobs::StoredBlob;
use store::registry::condemned::{
    BATCH_MAX, Kind, begin_removal, due, linked_blobs, mark, remove_manifest, removed,
    unlinked_manifests,
};

use super::super::refusal::Refusal;
use super::{GcReport, Run};
use crate::App;

/// Digests read from the database at a time.
const PAGE_DIGESTS: u64 = 400;

pub(super) async fn remove(app: &App, run: Run, report: &mut GcReport) -> Result<(), Refusal> {
    // First what earlier runs marked, so that a mark is never set and used in one run.
    for kind in [Kind::Manifest, Kind::Blob] {
        remove_due(app, run, kind, report).await?;
    }
    mark_manifests(app, run, report).await?;
    mark_blobs(app, run, report).await
}

async fn remove_due(app: &App, run: Run, kind: Kind, report: &mut GcReport) -> Result<(), Refusal> {
    let mut after: Option<Digest> = None;
    loop {
        let page = due(&app.reader, kind, run.before, after.as_ref(), PAGE_DIGESTS).await?;
        for digest in &page {
            match kind {
                Kind::Manifest => manifest(app, run, digest, report).await?,
                Kind::Blob => blob(app, run, digest, report).await?,
            }
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn manifest(
    app: &App,
    run: Run,
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
    }
    tx.commit().await?;
    Ok(())
}

async fn blob(app: &App, run: Run, digest: &Digest, report: &mut GcReport) -> Result<(), Refusal> {
    let found = app.blobs.find(digest).await.map_err(Refusal::storage)?;
    // Bytes written a moment ago are somebody's who is about to link them; they get their own grace.
    let old = |found: &StoredBlob| found.modified < run.before;
    if run.dry {
        if let Some(found) = found.filter(old) {
            report.blobs_removed += 1;
            report.bytes_removed += found.size;
        }
        return Ok(());
    }
    let tx = app.writer.begin().await?;
    if !begin_removal(&tx, Kind::Blob, digest, run.before, app.clock.now()).await? {
        return Ok(());
    }
    tx.commit().await?;
    // From here on nobody can link it, until the mark is gone.
    let found = app.blobs.find(digest).await.map_err(Refusal::storage)?;
    if let Some(found) = found.filter(old) {
        app.blobs.delete(digest).await.map_err(Refusal::storage)?;
        report.blobs_removed += 1;
        report.bytes_removed += found.size;
    }
    let tx = app.writer.begin().await?;
    removed(&tx, Kind::Blob, digest).await?;
    tx.commit().await?;
    Ok(())
}

async fn mark_manifests(app: &App, run: Run, report: &mut GcReport) -> Result<(), Refusal> {
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

async fn mark_blobs(app: &App, run: Run, report: &mut GcReport) -> Result<(), Refusal> {
    let mut stored = app.blobs.list();
    let mut batch: Vec<Digest> = Vec::with_capacity(BATCH_MAX);
    loop {
        let next = stored.try_next().await.map_err(Refusal::storage)?;
        let ended = next.is_none();
        batch.extend(
            next.filter(|blob| blob.modified < run.before)
                .map(|blob| blob.digest),
        );
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
    run: Run,
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
