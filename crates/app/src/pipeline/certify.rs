//! Runs the rules over a submission and sends it on: to preview, to a reviewer, or back to the publisher.

use certify::Verdict;
use domain::actor::Actor;
use domain::lifecycle::{State, Step};
use serde_json::json;
use store::submissions::Submission;

use super::gather::gather;
use crate::App;
use crate::clock::HOUR;
use crate::error::Refused;
use crate::jobs::Ended;
use crate::offers::{advance, policy};
use crate::record::Subject;

/// Rules that block and that a reviewer may waive with a reason: least privilege. All others the publisher mends.
const WAIVABLE: [&str; 1] = ["DEF-05"];

/// The job. Also run for a submission in review after a waiver: then only the report changes, until nothing blocks.
pub(crate) async fn certify(app: &App, id: &str) -> Result<Ended, Refused> {
    let Some(submission) = store::submissions::find(&app.reader, id).await? else {
        return Ok(Ended::Done);
    };
    if !matches!(submission.state, State::Certifying | State::InReview) {
        return Ok(Ended::Done);
    }
    let subject = gather(app, &submission).await?;
    let policy = policy(app).await?;
    let now = app.clock.now();
    let judged = tokio::task::spawn_blocking(move || certify::run(&subject, &policy, now)).await;
    let report = judged.map_err(|e| Refused::trouble(format!("certification: {e}")))?;
    let value = serde_json::to_value(&report).map_err(|e| Refused::trouble(e.to_string()))?;
    let summary = format!(
        "passed {} of {} checks",
        report.passed(),
        report.applicable()
    );
    let tx = app.writer.begin().await?;
    let locked = store::submissions::lock(&tx, id).await?;
    if locked.is_none_or(|locked| locked.waivers != submission.waivers) {
        return Ok(Ended::Waiting(
            "the waivers changed while the rules ran".into(),
        ));
    }
    store::submissions::set_report(&tx, id, &value, app.clock.now()).await?;
    let data = json!({"summary": summary});
    app.record(
        &tx,
        &Actor::System,
        (Subject::Submission, id),
        "certified",
        data,
    )
    .await?;
    if let Some((step, detail)) = next(&submission, &report.verdict(), &summary) {
        if step == Step::Reject {
            store::submissions::set_failure(&tx, id, &detail, app.clock.now()).await?;
        }
        if step == Step::OpenPreview {
            let hours = i64::from(app.settings.limits.preview_hours_max);
            store::submissions::set_preview_expires_at(&tx, id, Some(now + hours * HOUR), now)
                .await?;
        }
        match advance(app, &tx, &Actor::System, &submission, step, &detail).await {
            Ok(_) => {}
            // Cancelled meanwhile.
            Err(Refused::Conflict(_)) => return Ok(Ended::Done),
            Err(other) => return Err(other),
        }
    }
    tx.commit().await?;
    Ok(Ended::Done)
}

/// Blocks that a reviewer may waive go to a reviewer together with the judgement calls; other blocks reject at once.
fn next(submission: &Submission, verdict: &Verdict, summary: &str) -> Option<(Step, String)> {
    let in_review = submission.state == State::InReview;
    match verdict {
        Verdict::Certified if in_review => None,
        Verdict::Certified => Some((Step::OpenPreview, summary.to_owned())),
        Verdict::NeedsReview(_) if in_review => None,
        Verdict::NeedsReview(codes) => Some((
            Step::AskReviewer,
            format!("{summary}; a reviewer decides {}", codes.join(", ")),
        )),
        Verdict::Blocked(_) if in_review => None,
        Verdict::Blocked(codes) if codes.iter().all(|code| WAIVABLE.contains(&code.as_str())) => {
            let detail = format!("{summary}; {} needs a reviewer's waiver", codes.join(", "));
            Some((Step::AskReviewer, detail))
        }
        Verdict::Blocked(codes) => Some((
            Step::Reject,
            format!("{summary}; blocked by {}", codes.join(", ")),
        )),
    }
}
