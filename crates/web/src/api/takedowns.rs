//! The operator's takedowns: what is down, taking down, lifting.

use app::admin::{lift_takedown, take_down};
use app::clock::rfc3339;
use app::error::Refused;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::takedowns::Takedown;
use utoipa::ToSchema;

use super::answer::json;
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::admin::takedowns::{TAKEDOWNS_MAX, wanted};
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// A takedown.
#[derive(Serialize, ToSchema)]
pub(super) struct TakedownItem {
    id: String,
    /// `publisher.offer`
    module: String,
    /// Null for the whole module.
    plan: Option<String>,
    version: Option<String>,
    reason: String,
    taken_at: String,
    /// From then on its bytes may be removed, and it can no longer be lifted.
    purge_at: String,
    purged_at: Option<String>,
    lifted_at: Option<String>,
    lift_reason: Option<String>,
}

/// The newest takedowns.
#[derive(Serialize, ToSchema)]
pub(super) struct TakedownList {
    items: Vec<TakedownItem>,
}

fn item(takedown: Takedown) -> TakedownItem {
    let (plan, version) = takedown.release.unzip();
    TakedownItem {
        id: takedown.id,
        module: takedown.key.to_string(),
        plan: plan.map(|plan| plan.to_string()),
        version: version.map(|version| version.to_string()),
        reason: takedown.reason,
        taken_at: rfc3339(takedown.taken_at),
        purge_at: rfc3339(takedown.purge_at),
        purged_at: takedown.purged_at.map(rfc3339),
        lifted_at: takedown.lifted.as_ref().map(|lifted| rfc3339(lifted.at)),
        lift_reason: takedown.lifted.map(|lifted| lifted.reason),
    }
}

/// The newest 200 takedowns, lifted ones too.
#[utoipa::path(get, path = "/api/v1/takedowns", tag = "operating", security(("token" = [])),
    responses(
        (status = 200, description = "Takedowns, newest first", body = TakedownList),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(web): State<Web>,
    Caller(visitor): Caller,
) -> Result<Response, Problem> {
    visitor.actor.require_operator().map_err(Refused::from)?;
    let all = store::takedowns::recent(&web.app.reader, TAKEDOWNS_MAX).await?;
    let items = all.into_iter().map(item).collect();
    json(StatusCode::OK, &TakedownList { items })
}

/// What to take down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakedownRequest {
    /// `publisher.offer`
    module: String,
    /// With `version`, one release alone; without both, the whole module.
    #[serde(default)]
    plan: String,
    #[serde(default)]
    version: String,
    /// Everyone reads it; 1 to 500 characters.
    reason: String,
}

/// Takes down a module, or one release of it: search drops it, its page says gone, pulls are denied with the reason.
#[utoipa::path(post, path = "/api/v1/takedowns", tag = "operating", security(("token" = [])),
    request_body = TakedownRequest,
    responses(
        (status = 201, description = "Taken down", body = TakedownItem),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such module or release", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is down already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A reason is missing, or the module is not named rightly", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(web): State<Web>,
    Caller(visitor): Caller,
    JsonBody(asked): JsonBody<TakedownRequest>,
) -> Result<Response, Problem> {
    visitor.actor.require_operator().map_err(Refused::from)?;
    let command = wanted(&asked.module, &asked.plan, &asked.version, asked.reason)?;
    let id = take_down(&web.app, &visitor.actor, command).await?;
    let made = store::takedowns::find(&web.app.reader, &id).await?;
    let made = made.ok_or_else(Problem::failed)?;
    json(StatusCode::CREATED, &item(made))
}

/// Why a takedown ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftRequest {
    /// Kept with the takedown; 1 to 500 characters.
    reason: String,
}

/// Lifts a takedown: everything is as it was before. Possible until the bytes are removed.
#[utoipa::path(post, path = "/api/v1/takedowns/{id}/lift", tag = "operating", security(("token" = [])),
    params(("id" = String, Path, description = "Takedown id")),
    request_body = LiftRequest,
    responses(
        (status = 204, description = "Lifted"),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such takedown", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Lifted already, or its bytes are gone", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A reason is missing", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn lift(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<LiftRequest>,
) -> Result<Response, Problem> {
    lift_takedown(&web.app, &visitor.actor, places.text("id"), &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
