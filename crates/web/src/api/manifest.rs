//! A plan's deployment manifest. Refuses placeholders left open, naming every one.

use app::deploy::{self, Choice, Form};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::answer::json;
use super::modules::module;
use super::schema::ProblemBody;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

/// The manifest of a plan, full or layered, with its image by digest and its placeholders filled from `set.NAME=value`.
#[utoipa::path(get, path = "/api/v1/modules/{publisher}/{offer}/plans/{plan}/manifest", tag = "modules",
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("plan" = String, Path, description = "Plan id; hidden plans too"),
        ("form" = Option<String>, Query, description = "full (default) or layered"),
        ("version" = Option<String>, Query, description = "X.Y.Z; the newest when not given"),
        ("module" = Option<String>, Query, description = "Another module name than the default"),
        ("set.NAME" = Option<String>, Query, description = "Value of the placeholder NAME"),
    ),
    responses(
        (status = 200, description = "The manifest", body = Object),
        (status = 404, description = "No such module, plan or version", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "Taken down by the operator; `reason` says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Placeholders without a value, all named in `unfilled`, or values that break a rule", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let module = module(&web.app, &places)?;
    let form = Form::from_word(params.get("form"))
        .ok_or_else(|| Problem::bad_request("`form` is `full` or `layered`."))?;
    let some = |name: &str| {
        Some(params.get(name))
            .filter(|v| !v.is_empty())
            .map(ToOwned::to_owned)
    };
    let choice = Choice {
        version: some("version"),
        module_name: some("module"),
        values: params
            .starting("set.")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    };
    let value = deploy::manifest(&web.app, &module, places.text("plan"), form, &choice)?;
    json(StatusCode::OK, &value)
}
