//! What repositories hold and nobody needs. Each change is one short transaction that first takes the rows away and then
//! looks whether somebody needs them after all; if so it is rolled back. A push or import that meets it either finds the
//! rows gone and brings the content again, or is seen.

use std::collections::BTreeSet;

use domain::ids::OfferKey;
use oci::{Digest, Manifest, RepositoryName};
use serde_json::json;
use store::registry::condemned::{manifests_since, old_private_blobs, old_private_manifests};
use store::{Source, Tx};

use super::super::place::Place;
use super::super::refusal::Refusal;
use super::{GcReport, Run};
use crate::App;
use crate::clock::CLOCKS_APART_MICROS_MAX;
use crate::record::Subject;

/// Repositories read at a time.
const PAGE_REPOSITORIES: u64 = 500;
/// Rows taken away in one transaction, so that writers never wait long.
const ROWS_MAX: usize = 200;

pub(super) async fn let_go(app: &App, run: Run<'_>, report: &mut GcReport) -> Result<(), Refusal> {
    let mut after: Option<String> = None;
    loop {
        let page =
            store::registry::repositories(&app.reader, after.as_deref(), PAGE_REPOSITORIES).await?;
        for name in &page {
            report.repositories += 1;
            let Ok(repository) = name.parse::<RepositoryName>() else {
                continue;
            };
            if (run.stopped)() {
                return Ok(());
            }
            let done = match Place::of(&repository) {
                Place::Incoming(_) => incoming(app, run, name, report).await,
                Place::Release(key, _) => released(app, run, name, &key, report).await,
                Place::Nowhere => Ok(()),
            };
            report.note("repository", name, done);
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Blobs that no manifest of the repository lists.
async fn incoming(
    app: &App,
    run: Run<'_>,
    name: &str,
    report: &mut GcReport,
) -> Result<(), Refusal> {
    let old = old_private_blobs(&app.reader, name, run.before).await?;
    if old.is_empty() {
        return Ok(());
    }
    let begun = app.clock.now();
    let mut listed = BTreeSet::new();
    for (digest, _) in store::registry::manifests_of(&app.reader, name).await? {
        listed.extend(blobs_of(&app.reader, &digest).await?);
    }
    let unlisted: Vec<Digest> = old
        .into_iter()
        .filter(|digest| !listed.contains(digest))
        .collect();
    for some in unlisted.chunks(ROWS_MAX) {
        if run.dry {
            report.blobs_let_go += count(some.len());
            continue;
        }
        let tx = app.writer.begin().await?;
        for digest in some {
            store::registry::let_go_blob(&tx, name, digest, run.before).await?;
        }
        let mut needed = false;
        // Also of replicas whose clocks are a little behind.
        for digest in manifests_since(&tx, name, begun - CLOCKS_APART_MICROS_MAX).await? {
            let listed = blobs_of(&tx, &digest).await?;
            needed |= some.iter().any(|digest| listed.contains(digest));
        }
        if needed {
            continue;
        }
        tell(app, &tx, name, (&[], some)).await?;
        tx.commit().await?;
        report.blobs_let_go += count(some.len());
    }
    Ok(())
}

async fn blobs_of(source: &impl Source, digest: &Digest) -> Result<BTreeSet<Digest>, Refusal> {
    let Some(stored) = store::registry::manifest(source, digest).await? else {
        return Ok(BTreeSet::new());
    };
    let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
        .map_err(|error| Refusal::storage(format!("manifest {digest}: {error}")))?;
    Ok(manifest.blobs().map(|blob| blob.digest.clone()).collect())
}

/// What submissions left behind that never went live.
async fn released(
    app: &App,
    run: Run<'_>,
    name: &str,
    key: &OfferKey,
    report: &mut GcReport,
) -> Result<(), Refusal> {
    if under_way(&app.reader, key).await? {
        return Ok(());
    }
    let manifests = old_private_manifests(&app.reader, name, run.before).await?;
    let blobs = old_private_blobs(&app.reader, name, run.before).await?;
    if run.dry {
        report.manifests_let_go += count(manifests.len());
        report.blobs_let_go += count(blobs.len());
        return Ok(());
    }
    for some in manifests.chunks(ROWS_MAX) {
        let tx = app.writer.begin().await?;
        for digest in some {
            store::registry::let_go_manifest(&tx, name, digest).await?;
        }
        if under_way(&tx, key).await? {
            return Ok(());
        }
        tell(app, &tx, name, (some, &[])).await?;
        tx.commit().await?;
        report.manifests_let_go += count(some.len());
    }
    for some in blobs.chunks(ROWS_MAX) {
        let tx = app.writer.begin().await?;
        for digest in some {
            store::registry::let_go_blob(&tx, name, digest, run.before).await?;
        }
        if under_way(&tx, key).await? {
            return Ok(());
        }
        tell(app, &tx, name, (&[], some)).await?;
        tx.commit().await?;
        report.blobs_let_go += count(some.len());
    }
    Ok(())
}

/// Whether a submission of the offer still needs what it imported: anything that has not ended.
async fn under_way(source: &impl Source, key: &OfferKey) -> Result<bool, store::Error> {
    let submissions = store::submissions::of_offer(source, key).await?;
    Ok(submissions.iter().any(|one| !one.state.is_final()))
}

/// The audit trail of what went without anybody's hand.
async fn tell(
    app: &App,
    tx: &Tx,
    name: &str,
    (manifests, blobs): (&[Digest], &[Digest]),
) -> Result<(), store::Error> {
    let data = json!({"manifests": manifests, "blobs": blobs});
    let subject = (Subject::Repository, name);
    let actor = domain::actor::Actor::System;
    app.record(tx, &actor, subject, "garbage_let_go", data)
        .await
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
