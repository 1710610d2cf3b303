//! Trying a preview: its manifest with a fresh pull token inside, and the token by itself.

use std::collections::BTreeMap;

use app::clock::rfc3339;
use app::deploy::{Choice, Form};
use app::offers::preview_manifest;
use app::registry::PREVIEW_USER;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::json;
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// Which plan, and how it is to be configured.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewRequest {
    plan: String,
    /// `full` (default) or `layered`
    #[serde(default)]
    form: String,
    /// Another module name than the default.
    #[serde(default)]
    module: Option<String>,
    /// Placeholder → value.
    #[serde(default)]
    set: BTreeMap<String, String>,
}

/// What is needed to try a preview. It holds a secret.
#[derive(Serialize, ToSchema)]
pub(super) struct PreviewDetail {
    /// With the token among its `registryCredentials`.
    #[schema(value_type = Object)]
    manifest: Value,
    /// The image by digest.
    reference: String,
    username: &'static str,
    /// Opens this image only; told only here.
    password: String,
    expires_at: String,
}

/// Makes a pull token and the manifest of one plan of a submission in preview. For members and the preview audience.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/preview", tag = "publishing", security(("token" = [])),
    params(("id" = String, Path, description = "Submission id")),
    request_body = PreviewRequest,
    responses(
        (status = 201, description = "The manifest and the token", body = PreviewDetail),
        (status = 404, description = "No such submission or plan, or not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not in preview", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Placeholders without a value, all named in `unfilled`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<PreviewRequest>,
) -> Result<Response, Problem> {
    let form = Form::from_word(&asked.form)
        .ok_or_else(|| Problem::bad_request("`form` is `full` or `layered`."))?;
    let choice = Choice {
        version: None,
        module_name: asked.module,
        values: asked.set,
    };
    let id = places.text("id");
    let made = preview_manifest(&web.app, &visitor.actor, id, &asked.plan, form, &choice).await?;
    json(
        StatusCode::CREATED,
        &PreviewDetail {
            manifest: made.manifest,
            reference: made.reference,
            username: PREVIEW_USER,
            password: made.token.secret,
            expires_at: rfc3339(made.token.expires_at),
        },
    )
}
