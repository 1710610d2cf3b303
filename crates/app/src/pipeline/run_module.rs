//! Runs one image of a plan with the plan's defaults, as soon as it is its turn, and gives what was seen.
//!
//! The image goes to the engine as an archive of the very blobs that were imported: it may not be public yet, and an
//! engine need not know how to reach this marketplace.

use certify::{Contents, Observed, Trial};
use domain::offer::{Offer, Plan};
use edge::log::EventLog;
use edge::runner::{self, Archive, Engine, OwnImage, Pace, Stand};
use futures_util::TryStreamExt as _;
use oci::{Digest, Manifest, Platform};
use store::blobs::Blobs;

use super::gather::manifest;
use super::intake::may_be_loaded;
use crate::App;
use crate::error::{Refused, Trouble};

/// What is run.
pub(super) struct Image {
    pub(super) platform: Platform,
    /// Its manifest.
    pub(super) digest: Digest,
    pub(super) compressed_bytes: u64,
    /// What a walk over its layers says; an engine gets none that nobody could look into.
    pub(super) contents: Result<Contents, String>,
}

/// What was seen of it.
pub(super) struct Seen {
    pub(super) trial: Trial,
    pub(super) began_at: i64,
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
        log: None,
        output: String::new(),
    };
    let wanted = match wanted(app, (offer, plan), pace) {
        Ok(wanted) => wanted,
        Err(why) => {
            seen.trial.observed = Err(why);
            return Ok(seen);
        }
    };
    let manifest = manifest(app, &image.digest).await?;
    if let Err(why) = taken(app, engine, image, &manifest) {
        seen.trial.observed = Err(why);
        return Ok(seen);
    }
    seen.trial.expected = wanted.expected.clone();
    let turn = app.runs.acquire().await;
    let _turn = turn.map_err(|_| Refused::trouble("no more runs are begun"))?;
    seen.began_at = app.clock.now();
    let mut loaded = OwnImage::new(engine);
    let name = loaded.name().to_owned();
    let written = loaded.load(|archive| write_archive(&app.blobs, &manifest, &name, archive));
    let observed = match written.await? {
        Ok(()) => {
            let wanted = runner::Plan {
                image: name.clone(),
                compressed_bytes: Some(image.compressed_bytes),
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

/// The run that a plan asks for, as long as it is one that the operator allows.
fn wanted(app: &App, (offer, plan): (&Offer, &Plan), pace: Pace) -> Result<runner::Plan, String> {
    let wanted = runner::wanted(offer, plan).map_err(|why| why.to_string())?;
    let wanted = runner::Plan {
        limits: app.settings.runs.limits,
        pace,
        ..wanted
    };
    wanted.fits().map_err(|why| why.to_string())?;
    Ok(wanted)
}

/// Whether the operator and the engine take an image.
fn taken(app: &App, engine: &Engine, image: &Image, manifest: &Manifest) -> Result<(), String> {
    let (runs, platform) = (&app.settings.runs, &image.platform);
    if !runs.emulated && !engine.is_own(&platform.architecture) {
        return Err(format!(
            "no emulation for {platform}: this marketplace runs only modules for {}, the container engine's own architecture (certification.emulated)",
            engine.architecture
        ));
    }
    let most = runs.image_unpacked_bytes_max;
    may_be_loaded(engine, platform, manifest, &image.contents, most)
}

async fn observe(engine: &Engine, plan: runner::Plan, seen: &mut Seen) -> Result<Observed, String> {
    let mut stand = Stand::open(engine.clone(), plan)
        .await
        .map_err(|problem| problem.to_string())?;
    let observed = stand.perform(&mut seen.output).await;
    match stand.close().await {
        Ok(log) => seen.log = Some(log),
        Err(problem) => tracing::warn!(%problem, "a run left something at the container engine"),
    }
    observed.map_err(|problem| problem.to_string())
}

/// Writes an image whose blobs are in the storage, in the layout of `docker save`, under a name.
///
/// # Errors
/// The storage fails, or nobody takes it.
pub async fn write_archive(
    blobs: &Blobs,
    manifest: &Manifest,
    name: &str,
    mut archive: Archive,
) -> Result<(), Refused> {
    let trouble = |e: std::io::Error| Refused::trouble(format!("an archive for the engine: {e}"));
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
