//! `edgemart login`: an address and a password become an access token. For programs that cannot hold a cookie.

use app::accounts::{CreateToken, log_in};
use app::error::Refused;
use axum::extract::State;
use axum::response::Response;
use domain::role::TokenScope;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::account::TokenMade;
use super::answer::json;
use super::body::JsonBody;
use super::schema::ProblemBody;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::state::Web;

/// Who signs in, and the token they want.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    email: String,
    password: String,
    /// What the token is for; 1 to 60 characters.
    name: String,
    /// `read`, `publish`, `push`, `admin`
    scopes: Vec<String>,
    /// 1 to 366.
    days: u32,
}

/// Makes an access token for an address and its password. Wrong pairs are slowed down.
#[utoipa::path(post, path = "/api/v1/login", tag = "account",
    request_body = LoginRequest,
    responses(
        (status = 201, description = "The token with its secret", body = TokenMade),
        (status = 401, description = "No such pair of address and password", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Values that break a rule", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many tries", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(web): State<Web>,
    peer: Peer,
    JsonBody(asked): JsonBody<LoginRequest>,
) -> Result<Response, Problem> {
    let scopes: Result<Vec<TokenScope>, String> =
        asked.scopes.iter().map(|scope| scope.parse()).collect();
    let scopes = scopes.map_err(|error| {
        Refused::invalid(
            "scopes",
            "any of read, publish, push, admin",
            error,
            "Choose from these.",
        )
    })?;
    let command = CreateToken {
        name: asked.name,
        scopes,
        days: asked.days,
    };
    let made = log_in(&web.app, &asked.email, &asked.password, &peer.0, command).await?;
    let made = made.ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "This address and password do not belong together",
            "Check both; the address is not case-sensitive, the password is.",
        )
    })?;
    json(StatusCode::CREATED, &TokenMade::of(made))
}
