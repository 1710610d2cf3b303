//! The certification policy and the support matrix, for the operator's programs.

use app::admin::change_policy;
use app::error::Refused;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use certify::Level;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::json;
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::problem::Problem;
use crate::state::Web;

/// What is in force.
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyDetail {
    /// `{version, rules: {CODE: {enabled, level, effective_from}}}`; only rules that differ stand in it.
    #[schema(value_type = Object)]
    policy: certify::Policy,
    /// `{platforms: [{platform, demand, examples}], any_allowed}`
    #[schema(value_type = Object)]
    matrix: domain::matrix::Matrix,
    /// Images of the runtime in generated manifests; set in the configuration.
    runtime: RuntimeImages,
    rules: Vec<RuleInForce>,
}

/// Images of the runtime.
#[derive(Serialize, ToSchema)]
pub(super) struct RuntimeImages {
    agent_image: String,
    hub_image: String,
}

/// A rule as it counts now.
#[derive(Serialize, ToSchema)]
pub(super) struct RuleInForce {
    code: &'static str,
    title: &'static str,
    enabled: bool,
    /// `block`, `review` or `warn`; before its effective date a rule only warns.
    level: &'static str,
    waivable: bool,
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Block => "block",
        Level::Review => "review",
        Level::Warn => "warn",
    }
}

/// Policy, matrix and every rule as it counts now. For operators.
#[utoipa::path(get, path = "/api/v1/policy", tag = "operating", security(("token" = [])),
    responses(
        (status = 200, description = "What is in force", body = PolicyDetail),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    Caller(visitor): Caller,
) -> Result<Response, Problem> {
    visitor.actor.require_operator().map_err(Refused::from)?;
    let policy = app::offers::policy(&web.app).await?;
    let matrix = app::offers::matrix(&web.app).await?;
    let now = web.app.clock.now();
    let rule = |rule: &'static certify::Rule| RuleInForce {
        code: rule.code,
        title: rule.title,
        enabled: policy.enabled(rule),
        level: word(policy.level(rule, now)),
        waivable: rule.waivable,
    };
    let rules = certify::register().iter().copied().map(rule).collect();
    let images = &web.app.settings.runtime;
    let runtime = RuntimeImages {
        agent_image: images.agent_image.clone(),
        hub_image: images.hub_image.clone(),
    };
    json(
        StatusCode::OK,
        &PolicyDetail {
            policy,
            matrix,
            runtime,
            rules,
        },
    )
}

/// Changes parts of policy and matrix by a merge patch (RFC 7396) of `{policy, matrix}`. For operators.
#[utoipa::path(patch, path = "/api/v1/policy", tag = "operating", security(("token" = [])),
    request_body = Object,
    responses(
        (status = 204, description = "Changed"),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "An unknown rule, or a matrix that asks for nothing", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn change(
    State(web): State<Web>,
    Caller(visitor): Caller,
    JsonBody(patch): JsonBody<Value>,
) -> Result<Response, Problem> {
    change_policy(&web.app, &visitor.actor, &patch).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
