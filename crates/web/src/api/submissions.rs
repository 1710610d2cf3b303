//! Submissions: sending a draft on its way, watching it, signing it off, taking it back.

use app::clock::rfc3339;
use app::offers;
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::State as Stage;
use domain::role::PublisherAction;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::runs::Summary;
use store::steps::StepRow;
use store::submissions::Submission;
use utoipa::ToSchema;

use super::answer::json;
use super::body::{Caller, JsonBody};
use super::schema::{ProblemBody, RunDetail};
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// A submission with its way so far.
#[derive(Serialize, ToSchema)]
pub(super) struct SubmissionDetail {
    id: String,
    /// `publisher.offer`
    module: String,
    number: i64,
    /// `submitted`, `importing`, `certifying`, `in_review`, `preview`, `publishing`, `live`, `superseded`, `rejected`, `cancelled`
    state: &'static str,
    /// Something will happen without anybody doing anything.
    running: bool,
    may_go_live: bool,
    may_cancel: bool,
    notes: String,
    created_at: String,
    updated_at: String,
    steps: Vec<StepDetail>,
    /// The certification report, once the rules ran.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    /// Its images that were run, and those that could not be.
    runs: Vec<RunDetail>,
    /// What a reviewer decided.
    #[schema(value_type = Option<Object>)]
    decision: Option<Value>,
    /// Why it was rejected or the pipeline gave up.
    failure: Option<String>,
    preview_expires_at: Option<String>,
}

/// One step of the pipeline.
#[derive(Serialize, ToSchema)]
pub(super) struct StepDetail {
    step: String,
    started_at: String,
    ended_at: Option<String>,
    /// Milliseconds from start to end, or to now.
    milliseconds: i64,
    /// `done`, `rejected`, `cancelled`, `undone`; null while it runs.
    outcome: Option<String>,
    detail: String,
    log: String,
}

fn detail(
    submission: Submission,
    steps: Vec<StepRow>,
    runs: &[Summary],
    now: i64,
) -> SubmissionDetail {
    let step = |row: StepRow| StepDetail {
        milliseconds: (row.ended_at.unwrap_or(now) - row.started_at).max(0) / 1_000,
        started_at: rfc3339(row.started_at),
        ended_at: row.ended_at.map(rfc3339),
        step: row.step,
        outcome: row.outcome,
        detail: row.detail,
        log: row.log,
    };
    SubmissionDetail {
        module: submission.key.to_string(),
        number: submission.number,
        state: submission.state.as_str(),
        running: submission.state.is_running() && submission.state != Stage::InReview,
        may_go_live: submission.state == Stage::Preview,
        may_cancel: submission.state.may_cancel(),
        created_at: rfc3339(submission.created_at),
        updated_at: rfc3339(submission.updated_at),
        steps: steps.into_iter().map(step).collect(),
        report: submission.report,
        runs: runs
            .iter()
            .filter(|run| !run.nightly)
            .map(RunDetail::of)
            .collect(),
        decision: submission.decision,
        failure: submission.failure,
        preview_expires_at: submission.preview_expires_at.map(rfc3339),
        id: submission.id,
        notes: submission.notes,
    }
}

/// The submission, for members of its publisher and for reviewers; for others it is not there.
async fn find(web: &Web, visitor: &Visitor, id: &str) -> Result<Submission, Problem> {
    visitor.account()?;
    let none = || Problem::not_found("submission of that id");
    let found = store::submissions::find(&web.app.reader, id)
        .await?
        .ok_or_else(none)?;
    let member = visitor
        .actor
        .require(&found.key.publisher, PublisherAction::View)
        .is_ok();
    if member || visitor.actor.require_reviewer().is_ok() {
        Ok(found)
    } else {
        Err(none())
    }
}

async fn answer(
    web: &Web,
    status: StatusCode,
    submission: Submission,
) -> Result<Response, Problem> {
    let steps = store::steps::of_submission(&web.app.reader, &submission.id).await?;
    let runs = store::runs::summaries(&web.app.reader, &submission.id).await?;
    let now = web.app.clock.now();
    json(status, &detail(submission, steps, &runs, now))
}

/// What to submit.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SubmitRequest {
    /// For the reviewer; at most 5,000 characters.
    notes: String,
}

/// Freezes the draft and sends it on its way: import, certification, review when a rule asks for a person, preview.
#[utoipa::path(post, path = "/api/v1/publishers/{publisher}/offers/{offer}/submissions", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
    ),
    request_body = SubmitRequest,
    responses(
        (status = 202, description = "On its way; `Location` is where to watch it", body = SubmissionDetail),
        (status = 409, description = "Another one is running, or the publisher is not approved", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The draft is incomplete, all of it told in `violations`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<SubmitRequest>,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    let id = offers::submit_offer(&web.app, &visitor.actor, &key, &asked.notes).await?;
    let submission = find(&web, &visitor, &id).await?;
    let mut response = answer(&web, StatusCode::ACCEPTED, submission).await?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/submissions/{id}")) {
        response
            .headers_mut()
            .insert(http::header::LOCATION, location);
    }
    Ok(response)
}

/// Where a submission stands: its steps with their times and logs, the report, the failure.
#[utoipa::path(get, path = "/api/v1/submissions/{id}", tag = "publishing", security(("token" = [])),
    params(("id" = String, Path, description = "Submission id")),
    responses(
        (status = 200, description = "The submission", body = SubmissionDetail),
        (status = 404, description = "No such submission, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let submission = find(&web, &visitor, places.text("id")).await?;
    answer(&web, StatusCode::OK, submission).await
}

/// Signs a preview off: it goes live in a moment.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/go-live", tag = "publishing", security(("token" = [])),
    params(("id" = String, Path, description = "Submission id")),
    responses(
        (status = 202, description = "Going live", body = SubmissionDetail),
        (status = 404, description = "No such submission, or not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not in preview", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn go_live(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let id = find(&web, &visitor, places.text("id")).await?.id;
    offers::go_live(&web.app, &visitor.actor, &id).await?;
    answer(&web, StatusCode::ACCEPTED, find(&web, &visitor, &id).await?).await
}

/// Takes a submission back; possible until it goes live.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/cancel", tag = "publishing", security(("token" = [])),
    params(("id" = String, Path, description = "Submission id")),
    responses(
        (status = 200, description = "Taken back", body = SubmissionDetail),
        (status = 404, description = "No such submission, or not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Too late", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn cancel(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let id = find(&web, &visitor, places.text("id")).await?.id;
    offers::cancel_submission(&web.app, &visitor.actor, &id).await?;
    answer(&web, StatusCode::OK, find(&web, &visitor, &id).await?).await
}
