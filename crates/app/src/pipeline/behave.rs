//! Runs the modules of a submission where the operator named a container engine: one trial for each plan and platform,
//! with the plan's own defaults. Without an engine, and where something keeps a module from being run, the report says
//! so, and nothing counts as passed.
//!
//! The image goes to the engine as an archive of the very blobs that were imported: it is not public yet, and an engine
//! need not know how to reach this marketplace.

use std::path::Path;

use certify::{Behaviour, ImageEvidence, PlanEvidence, Trial};
use domain::offer::{Offer, Plan};
use edge::runner::{self, Archive, Engine, OwnImage, Stand};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use oci::{Digest, Manifest};

use crate::App;
use crate::error::{Refused, Trouble};

/// What the report says where nobody named an engine.
const NO_ENGINE: &str = "no container engine is configured";

/// What is seen of every module: the trials run side by side, as many at once as the operator allows this process.
pub(super) async fn behaviour(
    app: &App,
    offer: &Offer,
    plans: &[PlanEvidence],
) -> Result<Behaviour, Refused> {
    let Some(address) = &app.settings.engine else {
        return Ok(Behaviour::NotRun(NO_ENGINE.to_owned()));
    };
    let engine = match Engine::open(address).await {
        Ok(engine) => engine,
        Err(problem) => return Ok(Behaviour::NotRun(problem.to_string())),
    };
    sweep(&engine).await;
    let mut trials = Vec::new();
    for evidence in plans {
        let Some(plan) = offer.plans.iter().find(|plan| plan.plan == evidence.plan) else {
            continue;
        };
        for image in &evidence.images {
            trials.push(trial(app, &engine, offer, plan, evidence, image));
        }
    }
    Ok(Behaviour::Tried(try_join_all(trials).await?))
}

/// The sweep of a start: a module of a process that was killed would go on running at the engine until somebody submits.
pub(crate) async fn sweep_runs(app: App) {
    let Some(address) = &app.settings.engine else {
        return;
    };
    match Engine::open(address).await {
        Ok(engine) => sweep(&engine).await,
        Err(problem) => tracing::warn!(%problem, "modules cannot be run for certification"),
    }
}

/// Removes what runs of processes that are gone left at the engine, also after `kill -9`. Runs of this process, and of
/// others that live, are left alone.
async fn sweep(engine: &Engine) {
    match engine.sweep().await {
        Ok(swept) if swept.any() => {
            tracing::info!(
                ?swept,
                "removed what earlier runs left at the container engine"
            );
        }
        Ok(_) => {}
        Err(problem) => tracing::warn!(%problem, "cannot look for what earlier runs left"),
    }
}

/// One plan on one platform. Only trouble of our own is an error.
async fn trial(
    app: &App,
    engine: &Engine,
    offer: &Offer,
    plan: &Plan,
    evidence: &PlanEvidence,
    image: &ImageEvidence,
) -> Result<Trial, Refused> {
    let place = format!("plan {}, {}", plan.plan, image.platform);
    let wanted = match runner::wanted(offer, plan) {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Trial::not_run(place, why.to_string())),
    };
    let architecture = &image.platform.architecture;
    if !engine.runs(architecture) {
        let why =
            format!("the engine's machine runs no {architecture}, and has no emulator for it");
        return Ok(Trial::not_run(place, why));
    }
    let Some(manifest) = evidence.manifests.get(&image.digest) else {
        return Ok(Trial::not_run(place, "the manifest was not read"));
    };
    let expected = wanted.expected.clone();
    let turn = app.runs.acquire().await;
    let _turn = turn.map_err(|_| Refused::trouble("no more runs are begun"))?;
    let folder = tempfile::tempdir().map_err(|e| Refused::trouble(format!("a folder: {e}")))?;
    let archive = folder.path().join("image.tar");
    let mut loaded = OwnImage::new(engine);
    write_archive(app, manifest, loaded.name(), &archive).await?;
    let observed = match loaded.load(&archive).await {
        Ok(()) => {
            let wanted = runner::Plan {
                image: loaded.name().to_owned(),
                compressed_bytes: Some(image.compressed_bytes),
                pace: app.settings.runs.pace,
                ..wanted
            };
            observe(engine, wanted).await
        }
        Err(problem) => Err(problem.to_string()),
    };
    if let Err(problem) = loaded.remove().await {
        tracing::warn!(%problem, "an image stays at the container engine");
    }
    Ok(Trial {
        place,
        expected,
        observed: observed.map(Box::new),
    })
}

async fn observe(engine: &Engine, plan: runner::Plan) -> Result<certify::Observed, String> {
    let mut stand = Stand::open(engine.clone(), plan)
        .await
        .map_err(|problem| problem.to_string())?;
    let mut output = String::new();
    let observed = stand.perform(&mut output).await;
    if let Err(problem) = stand.close().await {
        tracing::warn!(%problem, "a run left something at the container engine");
    }
    observed.map_err(|problem| problem.to_string())
}

/// The image in the layout of `docker save`.
async fn write_archive(
    app: &App,
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
        copy(app, &blob.digest, &mut archive).await?;
    }
    archive.finish(name).await.map_err(trouble)
}

async fn copy(app: &App, digest: &Digest, archive: &mut Archive) -> Result<(), Refused> {
    let storage = |what: String| Refused::Failed(Trouble::Storage(what));
    let opened = app.blobs.open(digest, None).await;
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
