//! The account behind a token or a session, and its access tokens.

use app::accounts::{CreateToken, NewToken, create_token as make, revoke_token as revoke};
use app::clock::rfc3339;
use app::error::Refused;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::role::TokenScope;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{PAGE_ITEMS_MAX, json};
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// Who is asking.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountDetail {
    id: String,
    email: String,
    name: String,
    reviewer: bool,
    operator: bool,
    publishers: Vec<Membership>,
    /// Scopes of the token in use; null for a session, which may do all that the account may.
    scopes: Option<Vec<&'static str>>,
}

/// A place in a publisher.
#[derive(Serialize, ToSchema)]
pub(super) struct Membership {
    publisher: String,
    /// `owner`, `manager` or `developer`
    role: &'static str,
}

/// The account behind the token or session.
#[utoipa::path(get, path = "/api/v1/account", tag = "account", security(("token" = [])),
    responses(
        (status = 200, description = "The account", body = AccountDetail),
        (status = 401, description = "No token, or one that does not work", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(Caller(visitor): Caller) -> Result<Response, Problem> {
    let account = visitor.account()?;
    let member =
        |(publisher, role): (&domain::ids::PublisherId, &domain::role::MemberRole)| Membership {
            publisher: publisher.to_string(),
            role: role.as_str(),
        };
    json(
        StatusCode::OK,
        &AccountDetail {
            id: account.id.clone(),
            email: account.email.clone(),
            name: account.name.clone(),
            reviewer: account.reviewer,
            operator: account.operator,
            publishers: account.publishers.iter().map(member).collect(),
            scopes: account
                .scopes
                .as_ref()
                .map(|scopes| scopes.iter().map(|s| s.as_str()).collect()),
        },
    )
}

/// A token; its secret is never told again.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenItem {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

/// Tokens of the account.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenList {
    items: Vec<TokenItem>,
}

/// The newest hundred tokens of the account, revoked ones too.
#[utoipa::path(get, path = "/api/v1/account/tokens", tag = "account", security(("token" = [])),
    responses(
        (status = 200, description = "The tokens, newest first", body = TokenList),
        (status = 401, description = "No token, or one that does not work", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn tokens(
    State(web): State<Web>,
    Caller(visitor): Caller,
) -> Result<Response, Problem> {
    let account = visitor.account()?;
    let rows = store::tokens::list_of_account(&web.app.reader, &account.id).await?;
    let item = |token: store::tokens::Token| TokenItem {
        id: token.id,
        name: token.name,
        scopes: token.scopes.iter().map(|scope| scope.as_str()).collect(),
        created_at: rfc3339(token.created_at),
        expires_at: token.expires_at.map(rfc3339),
        last_used_at: token.last_used_at.map(rfc3339),
        revoked_at: token.revoked_at.map(rfc3339),
    };
    let items = rows.into_iter().take(PAGE_ITEMS_MAX).map(item).collect();
    json(StatusCode::OK, &TokenList { items })
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// What it is for; 1 to 60 characters.
    name: String,
    /// `read`, `publish`, `push`, `admin`
    scopes: Vec<String>,
    /// 1 to 366.
    days: u32,
}

/// A token just made.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenMade {
    id: String,
    /// The secret. Keep it: it is told only here.
    token: String,
    expires_at: String,
}

impl TokenMade {
    pub(super) fn of(made: NewToken) -> Self {
        Self {
            id: made.id,
            token: made.secret,
            expires_at: rfc3339(made.expires_at),
        }
    }
}

/// Makes an access token. A token cannot make one that may do more than itself.
#[utoipa::path(post, path = "/api/v1/account/tokens", tag = "account", security(("token" = [])),
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token with its secret", body = TokenMade),
        (status = 401, description = "No token, or one that does not work", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Values that break a rule", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn create_token(
    State(web): State<Web>,
    Caller(visitor): Caller,
    JsonBody(asked): JsonBody<TokenRequest>,
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
    let made = make(&web.app, &visitor.actor, command).await?;
    json(StatusCode::CREATED, &TokenMade::of(made))
}

/// Revokes one of the account's tokens; the one in use too.
#[utoipa::path(delete, path = "/api/v1/account/tokens/{id}", tag = "account", security(("token" = [])),
    params(("id" = String, Path, description = "Token id")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such token of this account, or revoked already", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn revoke_token(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    revoke(&web.app, &visitor.actor, places.text("id")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
