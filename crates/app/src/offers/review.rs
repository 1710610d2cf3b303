//! The reviewer's part: only submissions in which a rule asked for a person. Approve, reject by citing numbered rules,
//! or waive a rule with a reason. Refuses verdicts without a rule or a reason.

use certify::Waiver;
use domain::actor::{Account, Actor};
use domain::lifecycle::{State, Step};
use serde_json::json;
use store::submissions::Submission;

use super::advance;
use crate::App;
use crate::clock::HOUR;
use crate::error::Refused;
use crate::jobs::Kind;
use crate::record::Subject;

/// What the reviewer decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every open judgement call is fine.
    Approve {
        /// For the publisher; may be empty.
        comment: String,
    },
    /// Not like this, and why: at least one rule code of the report.
    Reject {
        /// Such as `LST-05`.
        rules: Vec<String>,
        /// What the publisher should change.
        comment: String,
    },
}

/// The submission, if this reviewer may judge it.
async fn in_review(app: &App, reviewer: &Account, id: &str) -> Result<Submission, Refused> {
    let found = store::submissions::find(&app.reader, id).await?;
    let submission = still_in_review(found, id)?;
    if reviewer.publishers.contains_key(&submission.key.publisher) {
        return Err(Refused::Conflict(
            "You belong to this publisher; another reviewer decides.".into(),
        ));
    }
    Ok(submission)
}

fn still_in_review(found: Option<Submission>, id: &str) -> Result<Submission, Refused> {
    let submission = found.ok_or_else(|| Refused::not_found("submission", id))?;
    if submission.state == State::InReview {
        return Ok(submission);
    }
    Err(Refused::Conflict(format!(
        "Submission {} of {} is {}, not in review.",
        submission.number,
        submission.key,
        submission.state.words()
    )))
}

/// Beside a waiver in the metadata: the reviewer's account, since names change and two people may share one. Reports, which
/// everyone reads, carry the name alone.
pub(crate) const WAIVED_BY: &str = "account";

/// Records a verdict and moves the submission on.
pub async fn review_submission(
    app: &App,
    actor: &Actor,
    id: &str,
    verdict: Verdict,
) -> Result<(), Refused> {
    let reviewer = actor.require_reviewer()?;
    let submission = in_review(app, reviewer, id).await?;
    let (step, detail, rules) = match &verdict {
        Verdict::Approve { comment } => {
            require_nothing_blocks(&submission)?;
            (Step::OpenPreview, comment.trim().to_owned(), Vec::new())
        }
        Verdict::Reject { rules, comment } => {
            check_citation(rules, comment)?;
            let detail = format!("{}: {}", rules.join(", "), comment.trim());
            (Step::Reject, detail, rules.clone())
        }
    };
    let decision = json!({
        "by": reviewer.id, "at": app.clock.now(), "approved": step == Step::OpenPreview,
        "rules": rules, "comment": detail,
    });
    let tx = app.writer.begin().await?;
    store::submissions::set_decision(&tx, id, &decision, app.clock.now()).await?;
    let now = app.clock.now();
    if step == Step::Reject {
        store::submissions::set_failure(&tx, id, &detail, now).await?;
    } else {
        let ends = now + i64::from(app.settings.limits.preview_hours_max) * HOUR;
        store::submissions::set_preview_expires_at(&tx, id, Some(ends), now).await?;
    }
    advance(app, &tx, actor, &submission, step, &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// A reviewer judges; a rule that blocks is waived with a reason or mended, never approved away.
fn require_nothing_blocks(submission: &Submission) -> Result<(), Refused> {
    let report = submission.report.clone().unwrap_or_default();
    let report: certify::Report = serde_json::from_value(report)
        .map_err(|e| Refused::trouble(format!("submission {}: report: {e}", submission.id)))?;
    match report.verdict() {
        certify::Verdict::Blocked(codes) => Err(Refused::Conflict(format!(
            "{} still blocks. Waive it with a reason, or reject.",
            codes.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn check_citation(rules: &[String], comment: &str) -> Result<(), Refused> {
    let unknown = rules.iter().find(|code| certify::find(code).is_none());
    if let Some(code) = unknown {
        return Err(Refused::invalid(
            "rules",
            "codes of the rule catalogue",
            code.as_str(),
            "Choose from the list.",
        ));
    }
    if rules.is_empty() {
        return Err(Refused::invalid(
            "rules",
            "at least one numbered rule",
            "none",
            "Tick the rule that is broken.",
        ));
    }
    if comment.trim().is_empty() {
        return Err(Refused::invalid(
            "comment",
            "a sentence for the publisher",
            "nothing",
            "Say what they should change.",
        ));
    }
    Ok(())
}

/// Waives one rule at one place with a reason; the rules run again with it.
pub async fn waive_rule(
    app: &App,
    actor: &Actor,
    id: &str,
    rule: &str,
    place: &str,
    reason: &str,
) -> Result<(), Refused> {
    let reviewer = actor.require_reviewer()?;
    in_review(app, reviewer, id).await?;
    check_citation(&[rule.to_owned()], reason)?;
    let waiver = Waiver {
        rule: rule.to_owned(),
        place: place.to_owned(),
        reason: reason.trim().to_owned(),
        by: reviewer.name.clone(),
    };
    let mut waiver = serde_json::to_value(&waiver).map_err(|e| Refused::trouble(e.to_string()))?;
    waiver[WAIVED_BY] = json!(reviewer.id);
    let tx = app.writer.begin().await?;
    // Another reviewer may have decided meanwhile.
    let locked = still_in_review(store::submissions::lock(&tx, id).await?, id)?;
    let mut waivers = locked.waivers;
    if let Some(list) = waivers.as_array_mut() {
        list.push(waiver);
    }
    store::submissions::set_waivers(&tx, id, &waivers, app.clock.now()).await?;
    let data = json!({"rule": rule, "place": place, "reason": reason.trim()});
    app.record(&tx, actor, (Subject::Submission, id), "rule_waived", data)
        .await?;
    app.enqueue(&tx, Kind::Certify, id, &locked.key.publisher)
        .await?;
    tx.commit().await?;
    app.jobs_waiting.notify_waiters();
    Ok(())
}
