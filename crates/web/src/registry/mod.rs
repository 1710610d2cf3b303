//! The image registry's HTTP side: `/v2/…` (OCI Distribution 1.1 and Docker v2), `/token`, and the two `/v1` addresses
//! that `docker search` and `podman search` ask; `hub` answers like Docker Hub. One handler takes everything under `/v2` and reads the raw path itself,
//! since names hold slashes and nothing in a legal path is ever encoded.
//!
//! Left out: TLS, deadlines and rate limits of the listener; there is no total deadline here on purpose, since a large
//! layer on a thin line takes hours.

mod answer;
mod blobs;
mod conditions;
mod hub;
mod incoming;
mod lists;
mod manifests;
mod rate;
mod ready;
mod redirect;
mod search;
mod shelf;
mod slices;
mod tokens;
mod uploads;
mod warning;

use std::sync::Arc;

use app::App;
use app::registry::{
    Caller, ReferrersQuery, Refusal, allow_write, identify, lab_caller, write_ask,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, FORWARDED, HOST, HeaderName, ORIGIN,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::middleware::map_response;
use axum::routing::any;
use oci::{Operation, ParseError, RepositoryName};

use answer::Failure;
use incoming::Incoming;
pub(crate) use rate::limited;
use shelf::Shelf;

/// `Docker-Distribution-Api-Version: registry/2.0`, by which old engines know a registry.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// `X-Forwarded-For`, by which a proxy gives itself away.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `Sec-Fetch-Site`, which only browsers send.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the handlers share.
#[derive(Clone)]
struct Registry {
    app: App,
    shelf: Arc<Shelf>,
}

/// The registry's routes, for the root of the server.
pub fn router(app: App) -> Router {
    let registry = Registry {
        app,
        shelf: Arc::default(),
    };
    Router::new()
        .route("/v2", any(handle))
        .route("/v2/", any(handle))
        .route("/v2/{*rest}", any(handle))
        .route("/v2/_oci/ext/discover", any(hub::discover))
        .route("/v2/namespaces/{*rest}", any(hub::handle))
        .route("/v2/repositories/{*rest}", any(hub::handle))
        .route("/v2/search/{*rest}", any(hub::handle))
        .route("/token", any(tokens::handle))
        .route("/v1/_ping", any(search::ping))
        .route("/v1/search", any(search::search))
        .layer(DefaultBodyLimit::disable())
        .layer(map_response(close))
        .with_state(registry)
}

/// What every answer carries: pushed bytes must never become a page of ours in someone's browser.
async fn close(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn handle(State(registry): State<Registry>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Some(response) = manifests::hot(&registry, &parts).await {
        return response;
    }
    // An encoded or otherwise illegal path is refused by the parser; wrong credentials come first.
    let operation = Operation::parse(parts.method.as_str(), parts.uri.path(), parts.uri.query());
    let repository = operation
        .as_ref()
        .ok()
        .and_then(Operation::repository)
        .cloned();
    match carry_out(
        &registry,
        operation,
        &parts,
        Incoming::new(&parts.headers, body, registry.app.settings.transfers),
    )
    .await
    {
        Ok(response) => response,
        Err(failure) => answer::failure(&registry.app, failure, repository.as_ref()),
    }
}

async fn carry_out(
    registry: &Registry,
    operation: Result<Operation, ParseError>,
    parts: &Parts,
    body: Incoming,
) -> Result<Response<Body>, Failure> {
    let app = &registry.app;
    let mut caller = identify_caller(app, &parts.headers).await?;
    if caller == Caller::Anonymous && from_the_lab(app, &parts.headers) {
        caller = lab_caller(app).await?;
    }
    let operation = operation?;
    if let (Some(ask), Some(name)) = (write_ask(&operation), operation.repository()) {
        let pass = allow_write(app, &caller, ask, name)
            .await
            .map_err(|refusal| with_source(refusal, &operation))?;
        return change(app, &caller, &pass, operation, (parts, body)).await;
    }
    let headers = &parts.headers;
    let head = parts.method == Method::HEAD;
    match operation {
        Operation::Base => base(&caller),
        Operation::GetManifest {
            repository,
            reference,
        }
        | Operation::HeadManifest {
            repository,
            reference,
        } => manifests::get(registry, &caller, (headers, head), &repository, &reference).await,
        Operation::GetBlob { repository, digest } | Operation::HeadBlob { repository, digest } => {
            blobs::get(registry, &caller, parts, &repository, &digest).await
        }
        Operation::ListTags {
            repository,
            n,
            last,
        } => lists::tags(app, &caller, headers, &repository, (n, last.as_deref())).await,
        Operation::Catalog { n, last } => {
            lists::catalog(app, &caller, headers, (n, last.as_deref())).await
        }
        Operation::Referrers {
            repository,
            digest,
            artifact_type,
            last,
        } => {
            let query = ReferrersQuery {
                artifact_type: artifact_type.as_deref(),
                last: last.as_ref(),
            };
            lists::referrers(app, &caller, headers, (&repository, &digest), query).await
        }
        other => Err(not_offered(&parts.method, &other)),
    }
}

/// A client that is to sign in for a mount is told both scopes it needs.
fn with_source(mut refusal: Refusal, operation: &Operation) -> Refusal {
    if let (Refusal::Unauthorized { scopes, .. }, Some(from)) =
        (&mut refusal, operation.mount_source())
    {
        scopes.push_str(&format!(" repository:{from}:pull"));
    }
    refusal
}

async fn change(
    app: &App,
    caller: &Caller,
    pass: &app::registry::PushPass,
    operation: Operation,
    (parts, body): (&Parts, Incoming),
) -> Result<Response<Body>, Failure> {
    match operation {
        Operation::PutManifest {
            reference, tags, ..
        } => manifests::put(app, pass, reference, tags, (parts, body)).await,
        Operation::DeleteManifest { reference, .. } => {
            manifests::delete(app, pass, &reference).await
        }
        Operation::DeleteBlob { digest, .. } => blobs::delete(app, pass, &digest).await,
        Operation::StartUpload { digest, mount, .. } => {
            uploads::start(
                app,
                caller,
                pass,
                digest.as_ref(),
                mount.as_ref(),
                (parts, body),
            )
            .await
        }
        Operation::PatchUpload { uuid, .. } => {
            uploads::patch(app, pass, &uuid, (parts, body)).await
        }
        Operation::PutUpload { uuid, digest, .. } => {
            uploads::put(app, pass, (&uuid, &digest), (parts, body)).await
        }
        Operation::GetUpload { uuid, .. } => uploads::get(app, pass, &uuid).await,
        Operation::DeleteUpload { uuid, .. } => uploads::delete(app, pass, &uuid).await,
        other => Err(not_offered(&parts.method, &other)),
    }
}

/// A new operation of the protocol that nobody wrote a handler for yet is answered like an unknown method.
fn not_offered(method: &Method, operation: &Operation) -> Failure {
    tracing::error!(?operation, "an operation without a handler");
    Failure::Parse(ParseError::MethodNotAllowed {
        method: method.to_string(),
        allow: "GET, HEAD",
    })
}

/// Reads the `Authorization` headers; more than one is as wrong as a bad one.
async fn identify_caller(app: &App, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let first = given.next().map(HeaderValue::as_bytes);
    if given.next().is_some() {
        return Err(Refusal::Unauthorized {
            message: "more than one Authorization header came; send one".to_owned(),
            scopes: String::new(),
            error: Some("invalid_request"),
        });
    }
    identify(app, first).await
}

/// Whether a request without credentials may be the lab's own: it came by our name, through no proxy and from no page.
/// A page of another site can send requests to this machine, but not without an `Origin`.
fn from_the_lab(app: &App, headers: &HeaderMap) -> bool {
    let settings = &app.settings;
    settings.registry.lab_account.is_some()
        && headers
            .get(HOST)
            .is_some_and(|host| host.as_bytes() == settings.registry_host.as_bytes())
        && ![ORIGIN, FORWARDED, X_FORWARDED_FOR, SEC_FETCH_SITE]
            .iter()
            .any(|name| headers.contains_key(name))
}

/// `GET /v2/`: challenged without credentials, so that clients find the token endpoint and `login` tests the password.
fn base(caller: &Caller) -> Result<Response<Body>, Failure> {
    if *caller == Caller::Anonymous {
        return Err(Failure::Refusal(Refusal::Unauthorized {
            message: "sign in, or ask the token endpoint for an anonymous token".to_owned(),
            scopes: String::new(),
            error: None,
        }));
    }
    Ok(answer::json(StatusCode::OK, "{}".to_owned()))
}

/// Address of a manifest or blob in a repository.
fn location(repository: &RepositoryName, kind: &str, name: &str) -> HeaderValue {
    answer::value(&format!("/v2/{repository}/{kind}/{name}"))
}
