//! Everything on one port: pages, JSON API, image registry, static files and health, with the headers that all share.

use app::App;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::header::{
    CONTENT_SECURITY_POLICY as CSP, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::layout::CONTENT_SECURITY_POLICY;
use crate::page::{problems_as_json, show_problems};
use crate::problem::Problem;
use crate::state::{Options, Web};
use crate::{account, admin, api, portal, registry, review, static_files, storefront, styleguide};

/// The whole site.
pub fn router(app: App, options: Options) -> Router {
    let web = Web {
        app: app.clone(),
        options,
    };
    let pages = Router::new()
        .merge(storefront::routes())
        .merge(account::routes())
        .merge(portal::routes())
        .merge(review::routes())
        .merge(admin::routes())
        .fallback(async || Problem::not_found("page"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not that way",
                "This address does not take that method.",
            )
        })
        .layer(from_fn_with_state(web.clone(), show_problems))
        .with_state(web.clone())
        .merge(styleguide::router());
    let api = api::routes()
        .fallback(async || Problem::not_found("API address"))
        .layer(from_fn(problems_as_json))
        .with_state(web.clone());
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    let request_id = HeaderName::from_static("x-request-id");
    let site = pages
        .nest("/api", api)
        .merge(static_files::router())
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(CSP, policy))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_FRAME_OPTIONS,
            HeaderValue::from_static("DENY"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ));
    site.merge(registry::router(app))
        .merge(health(web))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
}

/// `/healthz`: the process answers. `/readyz`: metadata and bytes answer too.
fn health(web: Web) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/readyz", get(ready))
        .with_state(web)
}

async fn ready(State(web): State<Web>) -> impl IntoResponse {
    match store::health(&web.app.reader).await {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ready"}))),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let body = json!({"status": "unavailable", "detail": "the database does not answer"});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body))
        }
    }
}
