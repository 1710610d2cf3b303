//! Credentials for a publisher's own registry: given, replaced, forgotten, never shown.

use app::offers::{UpstreamCredentials, forget_credentials, put_credentials};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::{OfferKey, PlanName};
use domain::role::PublisherAction;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Caller, JsonBody};
use super::offers::allowed;
use super::schema::ProblemBody;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// What the registry asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsRequest {
    username: String,
    /// Password or token; encrypted at rest and never shown again.
    password: String,
    /// Another host that may be given these, when the registry's token service lives there.
    #[serde(default)]
    realm_host: Option<String>,
    /// The registry they are for; the one of the plan's draft when not given. They are never sent to another.
    #[serde(default)]
    registry: Option<String>,
}

fn plan(places: &Places) -> Result<PlanName, Problem> {
    let plan = places.text("plan").parse();
    plan.map_err(|_| Problem::not_found("plan of that name"))
}

/// The registry that the draft of the plan names.
async fn registry_of(web: &Web, key: &OfferKey, plan: &PlanName) -> Result<String, Problem> {
    let row = store::offers::find(&web.app.reader, key).await?;
    let row = row.ok_or_else(|| Problem::not_found("offer of that name"))?;
    let found = row.draft.plans.into_iter().find(|p| p.plan == *plan);
    let found = found.ok_or_else(|| Problem::not_found("plan of that name in the draft"))?;
    if found.image.registry.is_empty() {
        return Err(Problem::bad_request(
            "This plan's image comes from this marketplace's own incoming/, which needs no credentials. Name a registry in the draft first.",
        ));
    }
    Ok(found.image.registry)
}

/// Keeps the credentials of a plan's registry.
#[utoipa::path(put, path = "/api/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("plan" = String, Path, description = "Plan id"),
    ),
    request_body = CredentialsRequest,
    responses(
        (status = 204, description = "Kept"),
        (status = 404, description = "No such offer or plan, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn put(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(given): JsonBody<CredentialsRequest>,
) -> Result<Response, Problem> {
    let (key, plan) = (places.offer()?, plan(&places)?);
    allowed(&visitor, &key.publisher, PublisherAction::Edit)?;
    let registry = match given.registry {
        Some(registry) => registry,
        None => registry_of(&web, &key, &plan).await?,
    };
    let credentials = UpstreamCredentials {
        username: given.username,
        password: given.password,
        realm_host: given.realm_host,
    };
    put_credentials(
        &web.app,
        &visitor.actor,
        &key,
        &plan,
        &registry,
        credentials,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Forgets the credentials of a plan's registry; forgetting none is fine.
#[utoipa::path(delete, path = "/api/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("plan" = String, Path, description = "Plan id"),
    ),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "No such offer, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn delete(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let (key, plan) = (places.offer()?, plan(&places)?);
    forget_credentials(&web.app, &visitor.actor, &key, &plan).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
