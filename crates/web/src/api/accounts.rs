//! Everybody's accounts, for the operator's programs: who there is, roles, and shutting somebody out.

use app::accounts::{set_disabled, set_roles};
use app::clock::rfc3339;
use app::error::Refused;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::accounts::Account;
use utoipa::ToSchema;

use super::answer::{PAGE_ITEMS, PAGE_ITEMS_MAX, json};
use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

/// An account as operators see it.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountItem {
    id: String,
    email: String,
    name: String,
    reviewer: bool,
    operator: bool,
    created_at: String,
    /// Shut out since; null for those who may sign in.
    disabled_at: Option<String>,
}

/// A part of all accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountList {
    items: Vec<AccountItem>,
    /// The cursor of the next part.
    next: Option<String>,
}

fn item(account: Account) -> AccountItem {
    AccountItem {
        id: account.id,
        email: account.email,
        name: account.name,
        reviewer: account.reviewer,
        operator: account.operator,
        created_at: rfc3339(account.created_at),
        disabled_at: account.disabled_at.map(rfc3339),
    }
}

/// All accounts, oldest first, or the one with an address. For operators.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "operating", security(("token" = [])),
    params(
        ("email" = Option<String>, Query, description = "Only the account with this address"),
        ("limit" = Option<usize>, Query, description = "1 to 100, by default 20"),
        ("cursor" = Option<String>, Query, description = "next of the part before"),
    ),
    responses(
        (status = 200, description = "A part of the accounts", body = AccountList),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(web): State<Web>,
    Caller(visitor): Caller,
    params: Params,
) -> Result<Response, Problem> {
    visitor.actor.require_operator().map_err(Refused::from)?;
    let reader = &web.app.reader;
    let email = params.get("email");
    if !email.is_empty() {
        let found = store::accounts::find_by_email(reader, email).await?;
        let items = found.into_iter().map(item).collect();
        return json(StatusCode::OK, &AccountList { items, next: None });
    }
    let limit = match params.get("limit") {
        "" => PAGE_ITEMS,
        text => text
            .parse()
            .ok()
            .filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit))
            .ok_or_else(|| Problem::bad_request("`limit` is a number from 1 to 100."))?,
    };
    let after = Some(params.get("cursor")).filter(|id| !id.is_empty());
    let rows = store::accounts::list(reader, limit as u64, after).await?;
    let last = rows.last().filter(|_| rows.len() == limit);
    let next = last.map(|account| account.id.clone());
    let items = rows.into_iter().map(item).collect();
    json(StatusCode::OK, &AccountList { items, next })
}

/// Whether an account may sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessRequest {
    /// `true` shuts it out: sessions end, tokens stop working.
    disabled: bool,
}

/// Shuts an account out, or lets it in again. For operators; the last one stays.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/access", tag = "operating", security(("token" = [])),
    params(("id" = String, Path, description = "Account id")),
    request_body = AccessRequest,
    responses(
        (status = 204, description = "Done"),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The last operator", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn access(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<AccessRequest>,
) -> Result<Response, Problem> {
    set_disabled(&web.app, &visitor.actor, places.text("id"), asked.disabled).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The marketplace's two roles.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RolesRequest {
    reviewer: bool,
    operator: bool,
}

/// Sets both roles of an account. For operators; the last one stays.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/roles", tag = "operating", security(("token" = [])),
    params(("id" = String, Path, description = "Account id")),
    request_body = RolesRequest,
    responses(
        (status = 204, description = "Done"),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The last operator", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn roles(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<RolesRequest>,
) -> Result<Response, Problem> {
    let (app, actor) = (&web.app, &visitor.actor);
    set_roles(
        app,
        actor,
        places.text("id"),
        asked.reviewer,
        asked.operator,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
