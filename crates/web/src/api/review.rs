//! The reviewer's verbs: what waits for a person, and the verdict on one.

use app::clock::rfc3339;
use app::error::Refused;
use app::offers::{Verdict, review_submission, waive_rule};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use certify::{Report, RuleState};
use domain::lifecycle::State as Stage;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::submissions::Submission;
use utoipa::ToSchema;

use super::answer::{Page, json};
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

/// A submission that waits for a person.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewItem {
    id: String,
    /// `publisher.offer`
    module: String,
    title: String,
    number: i64,
    waiting_since: String,
    /// Codes of the rules that ask for a person.
    open: Vec<String>,
}

/// The queue.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewList {
    items: Vec<ReviewItem>,
    total: usize,
    next: Option<String>,
}

fn item(submission: Submission) -> ReviewItem {
    let report = submission
        .report
        .and_then(|value| serde_json::from_value::<Report>(value).ok());
    ReviewItem {
        module: submission.key.to_string(),
        title: submission.frozen.listing.title,
        number: submission.number,
        waiting_since: rfc3339(submission.updated_at),
        open: report
            .map(|report| report.codes(RuleState::NeedsReview))
            .unwrap_or_default(),
        id: submission.id,
    }
}

/// What waits for a reviewer, oldest first.
#[utoipa::path(get, path = "/api/v1/review", tag = "operating", security(("token" = [])),
    params(
        ("limit" = Option<usize>, Query, description = "1 to 100, by default 20"),
        ("cursor" = Option<String>, Query, description = "next of the part before"),
    ),
    responses(
        (status = 200, description = "A part of the queue", body = ReviewList),
        (status = 403, description = "Not a reviewer", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(web): State<Web>,
    Caller(visitor): Caller,
    params: Params,
) -> Result<Response, Problem> {
    visitor.actor.require_reviewer().map_err(Refused::from)?;
    let page = Page::read(&params)?;
    let waiting = store::submissions::in_state(&web.app.reader, &[Stage::InReview]).await?;
    let total = waiting.len();
    let items = page.of(waiting).into_iter().map(item).collect();
    json(
        StatusCode::OK,
        &ReviewList {
            items,
            total,
            next: page.next(total),
        },
    )
}

/// A reviewer's verdict.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictRequest {
    /// `approve`, `reject` or `waive`
    verdict: String,
    /// For the publisher; needed for `reject`; the reason for `waive`.
    #[serde(default)]
    comment: String,
    /// Rule codes of the report, at least one for `reject`, exactly one for `waive`.
    #[serde(default)]
    rules: Vec<String>,
    /// The place of the finding that `waive` excuses, as the report names it.
    #[serde(default)]
    place: String,
}

/// Approves, rejects by numbered rules, or waives one rule at one place with a reason.
#[utoipa::path(post, path = "/api/v1/review/{id}", tag = "operating", security(("token" = [])),
    params(("id" = String, Path, description = "Submission id")),
    request_body = VerdictRequest,
    responses(
        (status = 204, description = "Recorded"),
        (status = 403, description = "Not a reviewer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such submission", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not in review, or the reviewer belongs to the publisher", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A rule or a reason is missing", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn decide(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<VerdictRequest>,
) -> Result<Response, Problem> {
    let (app, actor, id) = (&web.app, &visitor.actor, places.text("id"));
    actor.require_reviewer().map_err(Refused::from)?;
    match (asked.verdict.as_str(), asked.rules.as_slice()) {
        ("approve", _) => {
            review_submission(
                app,
                actor,
                id,
                Verdict::Approve {
                    comment: asked.comment,
                },
            )
            .await?;
        }
        ("reject", _) => {
            let verdict = Verdict::Reject {
                rules: asked.rules,
                comment: asked.comment,
            };
            review_submission(app, actor, id, verdict).await?;
        }
        ("waive", [rule]) => {
            waive_rule(app, actor, id, rule, &asked.place, &asked.comment).await?;
        }
        ("waive", _) => {
            return Err(Problem::bad_request(
                "`waive` names exactly one rule in `rules`.",
            ));
        }
        _ => {
            return Err(Problem::bad_request(
                "`verdict` is `approve`, `reject` or `waive`.",
            ));
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
