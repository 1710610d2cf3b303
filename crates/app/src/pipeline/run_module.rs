//! Runs one image of a plan with the plan's defaults, as soon as it is its turn, and gives what was seen.
//!
//! The image goes to the engine as an archive of the very blobs that were imported: it may not be public yet, and an
//! engine need not know how to reach this marketplace.

use std::path::Path;

use certify::{Observed, Trial};
use domain::offer::{Offer, Plan};
use edge::log::EventLog;
use edge::runner::{self, Archive, Engine, OwnImage, Pace, Stand};
use futures_util::TryStreamExt as _;
use oci::{Digest, Manifest, Platform};
use store::blobs::Blobs;

use super::gather::manifest;
use crate::App;
use crate::error::{Refused, Trouble};

/// What is run.
pub(super) struct Image {
    pub(super) platform: Platform,
    /// Its manifest.
    pub(super) digest: Digest,
    pub(super) compressed_bytes: u64,
}

/// What was seen of it.
pub(super) struct Seen {
    pub(super) trial: Trial,
    pub(super) began_at: i64,
    /// What of the createOptions it was not given.
    pub(super) left_out: Vec<String>,
    pub(super) log: Option<EventLog>,
    /// The end of what it printed.
    pub(super) output: String,
}

/// The name of a place in reports.
pub(super) fn place(plan: &Plan, platform: &Platform) -> String {
    format!("plan {}, {platform}", plan.plan)
}

/// Runs it; only trouble of our own is an error.
pub(super) async fn run_module(
    app: &App,
    engine: &Engine,
    (offer, plan): (&Offer, &Plan),
    image: &Image,
    pace: Pace,
) -> Result<Seen, Refused> {
    let mut seen = Seen {
        trial: Trial::not_run(place(plan, &image.platform), ""),
        began_at: app.clock.now(),
        left_out: Vec::new(),
        log: None,
        output: String::new(),
    };
    let wanted = match runner::wanted(offer, plan) {
        Ok(wanted) => wanted,
        Err(why) => {
            seen.trial.observed = Err(why.to_string());
            return Ok(seen);
        }
    };
    let architecture = &image.platform.architecture;
    if !engine.runs(architecture) {
        let why =
            format!("the engine's machine runs no {architecture}, and has no emulator for it");
        seen.trial.observed = Err(why);
        return Ok(seen);
    }
    seen.trial.expected = wanted.expected.clone();
    let manifest = manifest(app, &image.digest).await?;
    let turn = app.runs.acquire().await;
    let _turn = turn.map_err(|_| Refused::trouble("no more runs are begun"))?;
    seen.began_at = app.clock.now();
    let folder = tempfile::tempdir().map_err(|e| Refused::trouble(format!("a folder: {e}")))?;
    let archive = folder.path().join("image.tar");
    let mut loaded = OwnImage::new(engine);
    write_archive(&app.blobs, &manifest, loaded.name(), &archive).await?;
    let observed = match loaded.load(&archive).await {
        Ok(()) => {
            let wanted = runner::Plan {
                image: loaded.name().to_owned(),
                compressed_bytes: Some(image.compressed_bytes),
                pace,
                ..wanted
            };
            observe(engine, wanted, &mut seen).await
        }
        Err(problem) => Err(problem.to_string()),
    };
    if let Err(problem) = loaded.remove().await {
        tracing::warn!(%problem, "an image stays at the container engine");
    }
    seen.trial.observed = observed.map(Box::new);
    Ok(seen)
}

async fn observe(engine: &Engine, plan: runner::Plan, seen: &mut Seen) -> Result<Observed, String> {
    let mut stand = Stand::open(engine.clone(), plan)
        .await
        .map_err(|problem| problem.to_string())?;
    let observed = stand.perform(&mut seen.output).await;
    seen.left_out.clone_from(&stand.left_out);
    match stand.close().await {
        Ok(log) => seen.log = Some(log),
        Err(problem) => tracing::warn!(%problem, "a run left something at the container engine"),
    }
    observed.map_err(|problem| problem.to_string())
}

/// Writes an image whose blobs are in the storage, in the layout of `docker save`, under a name.
///
/// # Errors
/// The storage fails, or the disk does not take it.
pub async fn write_archive(
    blobs: &Blobs,
    manifest: &Manifest,
    name: &str,
    path: &Path,
) -> Result<(), Refused> {
    let trouble = |e: std::io::Error| Refused::trouble(format!("an archive for the engine: {e}"));
    let mut archive = Archive::create(path).await.map_err(trouble)?;
    // The configuration and the layers; what else a manifest names is no part of the image.
    for blob in manifest.blobs().take(manifest.layers().len() + 1) {
        let hex = blob.digest.hex();
        archive.begin(hex, blob.size).await.map_err(trouble)?;
        copy(blobs, &blob.digest, &mut archive).await?;
    }
    archive.finish(name).await.map_err(trouble)
}

async fn copy(blobs: &Blobs, digest: &Digest, archive: &mut Archive) -> Result<(), Refused> {
    let storage = |what: String| Refused::Failed(Trouble::Storage(what));
    let opened = blobs.open(digest, None).await;
    let opened = opened.map_err(|e| storage(e.to_string()))?;
    let (_, mut stream) = opened.ok_or_else(|| storage(format!("blob {digest} is gone")))?;
    while let Some(chunk) = stream
        .try_next()
        .await
        .map_err(|e| storage(e.to_string()))?
    {
        let written = archive.write(&chunk).await;
        written.map_err(|e| Refused::trouble(format!("an archive for the engine: {e}")))?;
    }
    Ok(())
}
