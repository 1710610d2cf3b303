//! The JSON API under `/api`. What anybody may read needs nothing; a publisher's, reviewer's or operator's verbs need an
//! access token as `Authorization: Bearer …`, or the browser's session with its anti-forgery token in `x-csrf-token`.
//!
//! Every error is problem+json (RFC 9457), every list is bounded and continued by an opaque cursor, every body has a limit.
//! Left out: images (`/v2`, the registry's own protocol) and pages.

mod account;
mod accounts;
mod answer;
mod body;
mod credentials;
mod deployments;
mod judged_by;
mod login;
mod manifest;
mod modules;
mod offers;
mod openapi;
mod policy;
mod preview;
mod publishers;
mod review;
mod schema;
mod selling;
mod submissions;
mod takedowns;

pub use openapi::document;

use axum::Router;
use http::StatusCode;

use crate::problem::Problem;
use crate::state::Web;

mod table {
    use super::{
        account, accounts, credentials, deployments, judged_by, login, manifest, modules, offers,
        openapi, policy, preview, publishers, review, selling, submissions, takedowns,
    };

    crate::routes::routes! {
        get "/openapi.json" openapi::show;
        get "/v1/modules" modules::list;
        get "/v1/modules/{publisher}/{offer}" modules::show;
        get "/v1/modules/{publisher}/{offer}/certification" modules::certification;
        get "/v1/modules/{publisher}/{offer}/plans/{plan}/manifest" manifest::show;
        post "/v1/deployments/validate" deployments::validate;
        post "/v1/deployments/merge" deployments::merge;
        post "/v1/login" login::create;
        get "/v1/account" account::show;
        get "/v1/account/tokens" account::tokens;
        post "/v1/account/tokens" account::create_token;
        delete "/v1/account/tokens/{id}" account::revoke_token;
        get "/v1/publishers/{publisher}/offers" offers::list;
        get "/v1/publishers/{publisher}/offers/{offer}" offers::show;
        put "/v1/publishers/{publisher}/offers/{offer}" offers::put;
        get "/v1/publishers/{publisher}/offers/{offer}/judged-by" judged_by::show;
        put "/v1/publishers/{publisher}/offers/{offer}/logos/{slot}" offers::put_logo;
        put "/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials" credentials::put;
        delete "/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials" credentials::delete;
        post "/v1/publishers/{publisher}/offers/{offer}/submissions" submissions::create;
        post "/v1/publishers/{publisher}/offers/{offer}/stop" selling::stop;
        post "/v1/publishers/{publisher}/offers/{offer}/resume" selling::resume;
        get "/v1/submissions/{id}" submissions::show;
        post "/v1/submissions/{id}/go-live" submissions::go_live;
        post "/v1/submissions/{id}/cancel" submissions::cancel;
        post "/v1/submissions/{id}/preview" preview::create;
        get "/v1/publishers/{publisher}/leads" publishers::leads;
        post "/v1/publishers/{publisher}/decision" publishers::decide;
        get "/v1/accounts" accounts::list;
        post "/v1/accounts/{id}/access" accounts::access;
        post "/v1/accounts/{id}/roles" accounts::roles;
        get "/v1/policy" policy::show;
        patch "/v1/policy" policy::change;
        get "/v1/review" review::list;
        post "/v1/review/{id}" review::decide;
        get "/v1/takedowns" takedowns::list;
        post "/v1/takedowns" takedowns::create;
        post "/v1/takedowns/{id}/lift" takedowns::lift;
    }
}

pub(crate) use table::ROUTES;

/// Everything below `/api`.
pub(crate) fn routes() -> Router<Web> {
    table::routes().method_not_allowed_fallback(async || {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Not that way",
            "This address does not take that method; /api/openapi.json says which.",
        )
    })
}
