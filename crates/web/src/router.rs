//! Everything on one port: pages, JSON API, image registry, static files and health, with the headers that all share.

use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::header::{
    CONTENT_SECURITY_POLICY as CSP, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use oci::Digest;
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::layout::CONTENT_SECURITY_POLICY;
use crate::page::{problems_as_json, show_problems};
use crate::problem::Problem;
use crate::state::{Options, Web};
use crate::traffic::observe;
use crate::{
    account, admin, api, body, portal, registry, review, static_files, storefront, styleguide,
};

/// The whole site.
pub fn router(app: App, options: Options) -> Router {
    let web = Web {
        app: app.clone(),
        options,
        traffic: Arc::default(),
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
    let site = pages
        .nest("/api", api)
        .merge(static_files::router())
        .layer(body::patience())
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
    site.merge(registry::limited(registry::router(app), &web))
        .merge(health(web.clone()))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(from_fn_with_state(web, observe))
}

/// `/healthz`: the process answers. `/readyz`: metadata and bytes answer too.
fn health(web: Web) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/readyz", get(ready))
        .with_state(web)
}

/// How long metadata and bytes may take to answer; balancers ask again.
const READY_SECONDS_MAX: u64 = 5;

async fn ready(State(web): State<Web>) -> impl IntoResponse {
    let asked = async {
        if let Err(error) = store::health(&web.app.reader).await {
            return Err(("the database does not answer", error.to_string()));
        }
        // Asking for a blob that need not be there proves that the store of bytes answers.
        match web.app.blobs.size(&Digest::sha256_of(b"")).await {
            Ok(_) => Ok(()),
            Err(error) => Err(("the store of bytes does not answer", error.to_string())),
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), asked).await;
    let late = || {
        let detail = "the database or the store of bytes took too long";
        Err((detail, format!("more than {READY_SECONDS_MAX} seconds")))
    };
    match asked.unwrap_or_else(|_| late()) {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ready"}))),
        Err((detail, error)) => {
            tracing::error!(error, "not ready: {detail}");
            let body = json!({"status": "unavailable", "detail": detail});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body))
        }
    }
}
