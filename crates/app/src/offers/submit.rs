//! A member submits the draft: it is frozen, and the import is queued, in one transaction.
//! Refuses an incomplete draft (all missing parts at once), an unapproved publisher, and a second running submission;
//! an earlier preview is replaced.

use domain::actor::Actor;
use domain::complete::CompleteOffer;
use domain::ids::OfferKey;
use domain::lifecycle::{State, Step};
use domain::role::PublisherAction;
use serde_json::json;
use store::submissions::Submission;

use super::{advance, matrix, offer_for, require_approved};
use crate::App;
use crate::admin::require_not_taken_down;
use crate::clock::new_id;
use crate::error::Refused;
use crate::jobs::Kind;
use crate::record::Subject;

/// Longest note for the reviewer, in characters.
const NOTES_CHARS_MAX: usize = 5_000;

/// Freezes the draft and starts its trip; returns the submission's id.
pub async fn submit_offer(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    notes: &str,
) -> Result<String, Refused> {
    let row = offer_for(app, actor, key, PublisherAction::Submit).await?;
    require_approved(app, key).await?;
    if notes.chars().count() > NOTES_CHARS_MAX {
        return Err(Refused::invalid(
            "notes",
            "at most 5,000 characters",
            "more",
            "Shorten the note.",
        ));
    }
    let matrix = matrix(app).await?;
    let complete = CompleteOffer::try_from_offer(row.draft, &matrix).map_err(Refused::Invalid)?;
    check_unchangeable(app, key, &complete).await?;
    let latest = store::submissions::latest_of_offer(&app.reader, key).await?;
    let now = app.clock.now();
    let submission = Submission {
        id: new_id(),
        key: key.clone(),
        number: latest.as_ref().map_or(1, |s| s.number + 1),
        state: State::Submitted,
        frozen: complete.offer().clone(),
        notes: notes.to_owned(),
        created_by: actor.label().to_owned(),
        created_at: now,
        updated_at: now,
        report: None,
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
    };
    let tx = app.writer.begin().await?;
    require_not_taken_down(&tx, key).await?;
    if let Some(running) = store::submissions::running_of_offer(&tx, key).await? {
        return Err(Refused::Conflict(format!(
            "Submission {} of {key} is {}. Wait for it or cancel it first.",
            running.number,
            running.state.words()
        )));
    }
    if let Some(preview) = latest.filter(|latest| latest.state == State::Preview) {
        advance(
            app,
            &tx,
            actor,
            &preview,
            Step::Cancel,
            "replaced by a new submission",
        )
        .await?;
        store::registry::pull_tokens::revoke_of_submission(&tx, &preview.id, now).await?;
    }
    store::submissions::insert(&tx, &submission).await?;
    store::steps::start(&tx, &submission.id, State::Submitted.as_str(), now).await?;
    let data = json!({"offer": key, "number": submission.number});
    let subject = (Subject::Submission, submission.id.as_str());
    app.record(&tx, actor, subject, "submitted", data).await?;
    app.enqueue(&tx, Kind::Import, &submission.id, &key.publisher)
        .await?;
    tx.commit().await?;
    app.jobs_waiting.notify_waiters();
    Ok(submission.id)
}

/// What never changes once live: a plan's repository and price model (domain facts §7.4).
async fn check_unchangeable(
    app: &App,
    key: &OfferKey,
    complete: &CompleteOffer,
) -> Result<(), Refused> {
    let Some(live) = live_submission(app, key).await? else {
        return Ok(());
    };
    let mut wrong = Vec::new();
    for (at, plan) in complete.offer().plans.iter().enumerate() {
        let Some(before) = live.frozen.plans.iter().find(|p| p.plan == plan.plan) else {
            continue;
        };
        let source =
            |p: &domain::offer::Plan| format!("{}/{}", p.image.registry, p.image.repository);
        if source(before) != source(plan) {
            wrong.push(domain::violation::Violation::error(
                format!("plans[{at}].image.repository"),
                format!("`{}`, as it went live", source(before)),
                source(plan),
                "Keep the repository, or add another plan.",
            ));
        }
        if before.price.model() != plan.price.model() {
            wrong.push(domain::violation::Violation::error(
                format!("plans[{at}].price.model"),
                format!("`{}`, as it went live", before.price.model()),
                plan.price.model(),
                "Keep the price model, or add another plan.",
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Refused::Invalid(wrong))
    }
}

async fn live_submission(app: &App, key: &OfferKey) -> Result<Option<Submission>, Refused> {
    let row = store::offers::find(&app.reader, key).await?;
    match row.and_then(|row| row.live_submission) {
        Some(id) => Ok(store::submissions::find(&app.reader, &id).await?),
        None => Ok(None),
    }
}
