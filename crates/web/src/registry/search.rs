//! `/v1/_ping` and `/v1/search`: what `docker search` and `podman search` ask, answered from the catalog. One result for
//! each listed plan, since a plan is what can be pulled.

use app::App;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use oci::{ErrorCode, error_body};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::{Failure, failure, json as json_answer};
use super::hub::matching;
use super::{Registry, identify_caller};

/// Tells old engines that this registry has its own search.
const STANDALONE: HeaderName = HeaderName::from_static("x-docker-registry-standalone");
/// Results when the client names no number.
const RESULTS: usize = 25;
/// Most results.
const RESULTS_MAX: usize = 100;

fn only_get(method: &Method) -> Option<Response<Body>> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let body = error_body::<&str>(&[(ErrorCode::Unsupported, "use GET here", None)]);
    let mut response = json_answer(StatusCode::METHOD_NOT_ALLOWED, body);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    Some(response)
}

/// Everything here is public; wrong credentials are still told, here as everywhere.
pub(super) async fn refused(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    if let Some(response) = only_get(method) {
        return Some(response);
    }
    match identify_caller(app, headers).await {
        Ok(_) => None,
        Err(refusal) => Some(failure(app, Failure::Refusal(refusal), None)),
    }
}

pub(super) async fn ping(State(registry): State<Registry>, request: Request) -> Response<Body> {
    if let Some(response) = refused(&registry.app, request.method(), request.headers()).await {
        return response;
    }
    let mut response = json_answer(StatusCode::OK, json!({"standalone": true}).to_string());
    response
        .headers_mut()
        .insert(STANDALONE, HeaderValue::from_static("true"));
    response
}

pub(super) async fn search(State(registry): State<Registry>, request: Request) -> Response<Body> {
    if let Some(response) = refused(&registry.app, request.method(), request.headers()).await {
        return response;
    }
    let (mut text, mut n, mut page) = (String::new(), RESULTS, 1_usize);
    for (name, given) in
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
    {
        match name.as_ref() {
            "q" => text = given.into_owned(),
            // A number that is none counts as not given: old engines send strange ones.
            "n" => n = given.parse().unwrap_or(RESULTS).clamp(1, RESULTS_MAX),
            "page" => page = given.parse().unwrap_or(1).max(1),
            _ => {}
        }
    }
    let snapshot = registry.app.catalog.snapshot();
    let found = matching(&snapshot, &text, |_| true);
    let results: Vec<Value> = found
        .iter()
        .skip((page - 1).saturating_mul(n))
        .take(n)
        .filter_map(|(module, plan)| module.plan(plan).map(|plan| (module, plan)))
        .map(|(module, plan)| {
            json!({
                "name": plan.repository,
                "description": module.summary,
                "star_count": 0,
                "is_official": module.verified,
                "is_automated": false,
                "is_trusted": module.verified,
            })
        })
        .collect();
    let body = json!({
        "query": text,
        "num_results": found.len(),
        "num_pages": found.len().div_ceil(n).max(1),
        "page": page,
        "page_size": n,
        "results": results,
    });
    json_answer(StatusCode::OK, body.to_string())
}
