//! Taking a live offer out of the storefront, and putting it back.

use app::error::Refused;
use app::offers::{StopSelling, resume_selling, stop_selling};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::role::PublisherAction;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Caller, JsonBody};
use super::offers::allowed;
use super::schema::ProblemBody;
use crate::messages::t;
use crate::params::Places;
use crate::portal::selling::REASONS;
use crate::problem::Problem;
use crate::state::Web;

/// Why, and what to use instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopRequest {
    /// `end_of_support`, `security_issue` or `other`
    reason: String,
    /// Another offer of the same publisher, as `publisher.offer`.
    #[serde(default)]
    alternative: Option<String>,
}

fn command(asked: StopRequest) -> Result<StopSelling, Refused> {
    let reason = REASONS.iter().find(|(word, _)| *word == asked.reason);
    let reason = reason.ok_or_else(|| {
        Refused::invalid(
            "reason",
            "end_of_support, security_issue or other",
            asked.reason.chars().take(60).collect::<String>(),
            t("selling.reason_fix"),
        )
    })?;
    let alternative = asked.alternative.map(|text| {
        text.parse().map_err(|_| {
            let found = text.chars().take(120).collect::<String>();
            let (limit, fix) = (t("selling.alternative_limit"), t("selling.alternative_fix"));
            Refused::invalid("alternative", limit, found, fix)
        })
    });
    Ok(StopSelling {
        reason: reason.1,
        alternative: alternative.transpose()?,
    })
}

/// Stops selling: the module leaves search; those who have it keep pulling and deploying it. For managers and owners.
#[utoipa::path(post, path = "/api/v1/publishers/{publisher}/offers/{offer}/stop", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
    ),
    request_body = StopRequest,
    responses(
        (status = 204, description = "Stopped"),
        (status = 404, description = "No such offer, or not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not live", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "An unknown reason or alternative", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn stop(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<StopRequest>,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    allowed(&visitor, &key.publisher, PublisherAction::GoLive)?;
    stop_selling(&web.app, &visitor.actor, &key, command(asked)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sells a stopped offer again. For managers and owners.
#[utoipa::path(post, path = "/api/v1/publishers/{publisher}/offers/{offer}/resume", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
    ),
    responses(
        (status = 204, description = "In the storefront again"),
        (status = 404, description = "No such offer, or not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It was not stopped", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn resume(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    allowed(&visitor, &key.publisher, PublisherAction::GoLive)?;
    resume_selling(&web.app, &visitor.actor, &key).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
