//! What is seen of the modules of a submission: each plan on each platform is run once, where the operator named a
//! container engine, and what was seen is kept. When the rules look again, after a waiver or a crash, they look at what
//! was kept. Without an engine, and where something keeps a module from being run, the report says so, and nothing counts
//! as passed.

use certify::{Behaviour, PlanEvidence, Trial};
use domain::offer::Plan;
use edge::runner::{self, Engine};
use futures_util::future::try_join_all;
use store::runs::Run;
use store::submissions::Submission;

use super::keep_run::{When, keep_run};
use super::run_module::{Image, place, run_module};
use crate::App;
use crate::error::Refused;

/// What the report says where nobody named an engine.
const NO_ENGINE: &str = "no container engine is configured";

/// What is seen of every module: the trials run side by side, as many at once as the operator allows this process.
pub(super) async fn behaviour(
    app: &App,
    submission: &Submission,
    plans: &[PlanEvidence],
) -> Result<Behaviour, Refused> {
    let kept = store::runs::certifying(&app.reader, &submission.id).await?;
    let offer = &submission.frozen;
    let mut places = Vec::new();
    for evidence in plans {
        let Some(plan) = offer.plans.iter().find(|plan| plan.plan == evidence.plan) else {
            continue;
        };
        for image in &evidence.images {
            let image = Image {
                platform: image.platform.clone(),
                digest: image.digest.clone(),
                compressed_bytes: image.compressed_bytes,
                contents: image.contents.clone(),
            };
            let known = known(submission, plan, &image, &kept);
            places.push((plan, image, known));
        }
    }
    let engine = match &app.settings.engine {
        _ if places.iter().all(|(_, _, known)| known.is_some()) => None,
        None => return Ok(Behaviour::NotRun(NO_ENGINE.to_owned())),
        Some(address) => match Engine::open(address).await {
            Ok(engine) => Some(engine),
            Err(problem) => return Ok(Behaviour::NotRun(problem.to_string())),
        },
    };
    if let Some(engine) = &engine {
        sweep(engine).await;
    }
    let trials = places
        .into_iter()
        .map(async |(plan, image, known)| match (known, &engine) {
            (None, Some(engine)) => run(app, engine, submission, plan, image).await,
            (Some(trial), _) => Ok(trial),
            (None, None) => Ok(Trial::not_run(place(plan, &image.platform), NO_ENGINE)),
        });
    Ok(Behaviour::Tried(try_join_all(trials).await?))
}

async fn run(
    app: &App,
    engine: &Engine,
    submission: &Submission,
    plan: &Plan,
    image: Image,
) -> Result<Trial, Refused> {
    let pace = app.settings.runs.pace;
    let offer = &submission.frozen;
    let seen = run_module(app, engine, (offer, plan), &image, pace).await?;
    let trial = seen.trial.clone();
    keep_run(
        app,
        engine,
        (submission, plan),
        &image,
        seen,
        When::Certifying,
    )
    .await?;
    Ok(trial)
}

/// What was seen of an image before. What was not run is tried again.
fn known(submission: &Submission, plan: &Plan, image: &Image, kept: &[Run]) -> Option<Trial> {
    let run = kept.iter().find(|run| {
        let summary = &run.summary;
        summary.plan == plan.plan
            && summary.platform == image.platform
            && summary.digest == image.digest
    })?;
    let observed = run.observed.as_ref().ok()?;
    let wanted = runner::wanted(&submission.frozen, plan).ok()?;
    Some(Trial {
        place: place(plan, &image.platform),
        expected: wanted.expected,
        observed: Ok(observed.clone()),
    })
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
pub(super) async fn sweep(engine: &Engine) {
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
