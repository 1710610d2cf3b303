//! Runs a live module again, in the night: is what was certified still so? The hub stays away for longer than during
//! certification. What is broken now and was not when it was certified is recorded once, when it breaks and when it works
//! again, and stands on the module's page as long as it lasts.
//! Without an engine nothing is run, and what is known stays as it is.

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::release::Release;
use edge::runner::{Engine, Pace};
use serde_json::json;
use store::runs::Summary;
use store::submissions::Submission;

use super::behave::sweep;
use super::evidence::contents_of;
use super::gather::manifest;
use super::keep_run::{When, keep_run};
use super::run_module::{Image, run_module};
use crate::App;
use crate::error::Refused;
use crate::jobs::{Ended, night_at};
use crate::record::Subject;

/// The job. What does not fit into the night any more waits for the next.
pub(crate) async fn rerun(app: &App, key: &str) -> Result<Ended, Refused> {
    let (Some(nightly), Some(address)) = (app.settings.runs.nightly, &app.settings.engine) else {
        return Ok(Ended::Done);
    };
    let Ok(key) = key.parse::<OfferKey>() else {
        return Ok(Ended::Done);
    };
    let Some(night) = night_at(app.clock.now(), nightly) else {
        return Ok(Ended::Done);
    };
    let Some(module) = app.catalog.module(&key).filter(|module| module.listed) else {
        return Ok(Ended::Done);
    };
    let Some(submission) = store::submissions::find(&app.reader, &module.submission).await? else {
        return Ok(Ended::Done);
    };
    let engine = match Engine::open(address).await {
        Ok(engine) => engine,
        Err(problem) => return Ok(Ended::Again(problem.to_string())),
    };
    sweep(&engine).await;
    let pace = Pace {
        outage: nightly.outage,
        // Many modules share a night.
        renewal_max: std::time::Duration::ZERO,
        ..app.settings.runs.pace
    };
    let known = store::runs::summaries(&app.reader, &submission.id).await?;
    for plan in &module.plans {
        if let Some(release) = plan.releases.first() {
            let work = Work {
                app,
                engine: &engine,
                submission: &submission,
                known: &known,
                since: night.0,
                pace,
            };
            work.release(release).await?;
        }
    }
    Ok(Ended::Done)
}

/// One module in one night.
struct Work<'a> {
    app: &'a App,
    engine: &'a Engine,
    submission: &'a Submission,
    /// Its runs so far, newest first.
    known: &'a [Summary],
    /// When the night began.
    since: i64,
    pace: Pace,
}

impl Work<'_> {
    async fn release(&self, release: &Release) -> Result<(), Refused> {
        let offer = &self.submission.frozen;
        let Some(plan) = offer.plans.iter().find(|plan| plan.plan == release.plan) else {
            return Ok(());
        };
        for image in &release.platforms {
            let mut own = self
                .known
                .iter()
                .filter(|run| run.plan == plan.plan && run.digest == image.digest);
            // After a crash in the middle of the night, the rest is run.
            if own
                .clone()
                .any(|run| run.nightly && run.began_at >= self.since)
            {
                continue;
            }
            let certified = own.clone().find(|run| !run.nightly);
            let before = own.next();
            let image = Image {
                platform: image.platform.clone(),
                digest: image.digest.clone(),
                compressed_bytes: image.compressed_bytes,
                contents: if self.engine.runs(&image.platform.architecture) {
                    let manifest = manifest(self.app, &image.digest).await?;
                    contents_of(&self.app.blobs, &manifest).await?
                } else {
                    Err("it cannot be run here".to_owned())
                },
            };
            let seen = run_module(self.app, self.engine, (offer, plan), &image, self.pace).await?;
            if let Err(why) = &seen.trial.observed {
                tracing::info!(place = seen.trial.place, %why, "not run this night");
                continue;
            }
            let whose = (self.submission, plan);
            let excused = certified.map_or(&[][..], |run| run.broken.as_slice());
            let when = When::Night(excused);
            let run = keep_run(self.app, self.engine, whose, &image, seen, when).await?;
            let was = before.is_some_and(|run| run.nightly && !run.broken.is_empty());
            self.tell(&run, was).await?;
        }
        Ok(())
    }

    /// Records a change for publisher and operator; the catalog shows the newest run in any case.
    async fn tell(&self, run: &Summary, was: bool) -> Result<(), Refused> {
        let is = !run.broken.is_empty();
        let tx = self.app.writer.begin().await?;
        if was != is {
            let kind = if is { "run_broke" } else { "run_recovered" };
            let key = self.submission.key.to_string();
            tracing::warn!(offer = key, plan = %run.plan, platform = %run.platform, broken = ?run.broken, kind, "a nightly run");
            let data = json!({
                "place": format!("plan {}, {}", run.plan, run.platform),
                "rules": run.broken.join(", "),
                "run": run.id,
            });
            let subject = (Subject::Offer, key.as_str());
            self.app
                .record(&tx, &Actor::System, subject, kind, data)
                .await?;
        }
        store::catalog_version::bump(&tx).await?;
        tx.commit().await?;
        self.app.catalog_changed();
        Ok(())
    }
}
