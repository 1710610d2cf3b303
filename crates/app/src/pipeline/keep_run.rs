//! Keeps what was seen of a module that ran: the figures in a row, the event log as a compressed file. Whether it broke a
//! rule stands in the row, too, as the policy was at that moment.

use std::io::Write as _;

use certify::{RuleState, run_trial};
use domain::offer::Plan;
use edge::log::EventLog;
use edge::runner::Engine;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use store::runs::{Footprint, Log, Run, Summary};
use store::submissions::Submission;

use super::run_module::{Image, Seen};
use crate::App;
use crate::clock::new_id;
use crate::error::{Refused, Trouble};
use crate::offers::policy;

/// When a run was made.
pub(super) enum When<'a> {
    /// For the certification of its submission.
    Certifying,
    /// In a night after that; what was broken already when it was certified, and excused, is not held against it.
    Night(&'a [String]),
}

/// Keeps it, and lets go of what it takes the place of.
pub(super) async fn keep_run(
    app: &App,
    engine: &Engine,
    (submission, plan): (&Submission, &Plan),
    image: &Image,
    seen: Seen,
    when: When<'_>,
) -> Result<Summary, Refused> {
    let policy = policy(app).await?;
    let offer = submission.frozen.clone();
    let report = run_trial(offer, seen.trial.clone(), &policy, seen.began_at);
    let broken = [RuleState::Failed, RuleState::NeedsReview]
        .into_iter()
        .flat_map(|state| report.codes(state))
        .filter(|code| match when {
            When::Certifying => true,
            When::Night(excused) => !excused.contains(code),
        });
    let observed = seen.trial.observed;
    let measured = observed.as_ref().ok().filter(|observed| !observed.emulated);
    let footprint = measured.and_then(|observed| observed.footprint.as_ref());
    let left_out = observed
        .as_ref()
        .map_or(&[][..], |seen| seen.left_out.as_slice());
    let left_out = left_out.iter().map(ToString::to_string).collect();
    let summary = Summary {
        id: new_id(),
        submission: submission.id.clone(),
        plan: plan.plan.clone(),
        platform: image.platform.clone(),
        digest: image.digest.clone(),
        nightly: matches!(when, When::Night(_)),
        began_at: seen.began_at,
        environment: edge::VERSION.to_owned(),
        engine: engine.name.clone(),
        passed: report.passed() as u64,
        applicable: report.applicable() as u64,
        broken: broken.collect(),
        emulated: observed.as_ref().is_ok_and(|observed| observed.emulated),
        why_not: observed.as_ref().err().cloned(),
        footprint: footprint.map(|found| Footprint {
            memory_peak_bytes: found.memory_peak_bytes,
            memory_steady_bytes: found.memory_steady_bytes,
            cpu_permille: found.cpu_permille,
        }),
        log: log(app, seen.log, seen.output).await?,
    };
    let run = Run {
        summary: summary.clone(),
        observed,
        left_out,
    };
    let tx = app.writer.begin().await?;
    let unused = store::runs::keep(&tx, &run).await?;
    tx.commit().await?;
    for digest in unused {
        if let Err(problem) = app.blobs.delete_run_log(&digest).await {
            tracing::warn!(%problem, "an event log that nobody needs any more stays");
        }
    }
    Ok(summary)
}

/// The events as JSON lines, then what the module printed, compressed.
async fn log(app: &App, log: Option<EventLog>, output: String) -> Result<Option<Log>, Refused> {
    let Some(log) = log else { return Ok(None) };
    let packed = tokio::task::spawn_blocking(move || {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(log.json_lines().as_bytes())?;
        let printed = json!({"event": "module-output", "text": output});
        packed.write_all(format!("{printed}\n").as_bytes())?;
        packed.finish()
    });
    let packed = packed
        .await
        .map_err(|e| Refused::trouble(format!("an event log: {e}")))?
        .map_err(|e| Refused::trouble(format!("an event log: {e}")))?;
    let bytes = packed.len() as u64;
    let kept = app.blobs.put_run_log(packed.into()).await;
    let digest = kept.map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?;
    Ok(Some(Log { digest, bytes }))
}
