//! What certification would compare a submission with: for `edgemart offer lint --run`, which judges with the same rules.

use app::pipeline;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::json;
use super::body::Caller;
use super::schema::ProblemBody;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

/// What a submission of an offer is compared with.
#[derive(Serialize, ToSchema)]
pub(super) struct JudgedBy {
    /// The rules in force; only those that differ stand in it.
    #[schema(value_type = Object)]
    policy: certify::Policy,
    /// The platforms that count.
    #[schema(value_type = Object)]
    matrix: domain::matrix::Matrix,
    /// Are the links of a listing asked whether they answer?
    check_links: bool,
    /// Every release of the offer.
    #[schema(value_type = Vec<Object>)]
    releases: Value,
    /// Plan → `host/repository` that its image came from at first.
    #[schema(value_type = Object)]
    first_sources: Value,
    /// Of the repositories asked about: `host/repository` → the other offer that takes its image from there.
    #[schema(value_type = Object)]
    other_sources: Value,
}

/// What certification would compare a submission of this offer with; the offer need not be there yet. For members.
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}/offers/{offer}/judged-by", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("repository" = Option<String>, Query, description = "host/repository of a plan's image; repeated or separated by commas"),
    ),
    responses(
        (status = 200, description = "What counts", body = JudgedBy),
        (status = 404, description = "No such publisher, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let repositories = params.list("repository");
    let key = places.offer()?;
    let found = pipeline::judged_by(&web.app, &visitor.actor, &key, &repositories).await?;
    json(
        StatusCode::OK,
        &JudgedBy {
            policy: found.policy,
            matrix: found.matrix,
            check_links: found.check_links,
            releases: serde_json::json!(found.releases),
            first_sources: serde_json::json!(found.first_sources),
            other_sources: serde_json::json!(found.other_sources),
        },
    )
}
