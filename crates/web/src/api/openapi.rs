//! `/api/openapi.json`: the description of the API, generated from the handlers and their types.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, OpenApi};
use utoipa::{Modify, OpenApi as _};

use super::{
    account, accounts, credentials, deployments, judged_by, login, manifest, modules, offers,
    policy, preview, publishers, review, selling, submissions, takedowns,
};
use crate::problem::Problem;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Edgemart",
        description = "A marketplace for IoT Edge modules: search, certification reports, deployment manifests, and publishing.\n\nErrors are problem+json (RFC 9457). Lists are continued by an opaque cursor. Access tokens are made under Account › Access tokens and sent as `Authorization: Bearer …`."
    ),
    paths(
        modules::list, modules::show, modules::certification, manifest::show,
        deployments::validate, deployments::merge,
        login::create, account::show, account::tokens, account::create_token, account::revoke_token,
        offers::list, offers::show, offers::put, offers::put_logo,
        judged_by::show,
        credentials::put, credentials::delete,
        submissions::create, submissions::show, submissions::go_live, submissions::cancel,
        preview::create,
        selling::stop, selling::resume,
        publishers::leads, publishers::decide,
        accounts::list, accounts::access, accounts::roles, policy::show, policy::change,
        review::list, review::decide,
        takedowns::list, takedowns::create, takedowns::lift,
        self::show,
    ),
    modifiers(&Token),
    tags(
        (name = "modules", description = "What is live; for anyone"),
        (name = "deployments", description = "Manifests that somebody has; for anyone"),
        (name = "account", description = "The account behind a token, and its tokens"),
        (name = "publishing", description = "A publisher's offers and submissions"),
        (name = "operating", description = "Reviewers and operators"),
    )
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token, emt_…"))
            .build();
        let components = openapi
            .components
            .get_or_insert_with(|| ComponentsBuilder::new().build());
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The description.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = Description::openapi();
    document.info.version = "1".to_owned();
    document
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "modules",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn show() -> Result<Response, Problem> {
    let text = document().to_json().map_err(|error| {
        tracing::error!(%error, "the API's description could not be written");
        Problem::failed()
    })?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    Ok(response)
}
