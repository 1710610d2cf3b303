//! The catalog in the shapes of Docker Hub's public API, for anyone, from the catalog's index; only the pull counts of a page
//! are asked of the database: repositories of a publisher, one repository, its tags, one tag, and search. A namespace is a publisher, a repository `{offer}/{plan}`.
//! Both families of addresses are served, `/v2/namespaces/{ns}/repositories/…` and the older `/v2/repositories/{ns}/…`.
//! `/v2/_oci/ext/discover` names what this registry speaks beside the specification.
//!
//! What Hub knows and we do not (stars, who pushed) is zero or null. What Hub cannot do: `platform=linux/arm64`,
//! `cursor=` beside page numbers, and an `ETag` on everything.

mod ask;
mod count;
mod list;
mod shape;

use app::catalog::Snapshot;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, ETAG};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use oci::ErrorCode;
use serde_json::{Value, json};

use super::Registry;
use super::answer::{empty, failure, json as json_answer, value};
use super::conditions::names_tag;
use super::search::refused;
use ask::{Asked, Place};
pub(super) use list::matching;

/// Why there is no answer.
enum Missing {
    /// Nothing has this address.
    Nothing(&'static str),
    /// A parameter cannot be read.
    Parameter(String),
}

pub(super) async fn handle(State(registry): State<Registry>, request: Request) -> Response<Body> {
    if let Some(response) = refused(&registry.app, request.method(), request.headers()).await {
        return response;
    }
    let snapshot = registry.app.catalog.snapshot();
    let query = request.uri().query().unwrap_or_default();
    let answered = Place::of(request.uri().path())
        .ok_or(Missing::Nothing("there is no such address"))
        .and_then(|place| Ok((place, Asked::read(query)?)))
        .and_then(|(place, asked)| {
            let base = registry.app.settings.public_url.as_str();
            body(&snapshot, base, request.uri().path(), &place, &asked)
        });
    match answered {
        Ok(mut body) => match count::fill_in(&registry.app, &mut body).await {
            Ok(pulls) => kept((snapshot.version, pulls), request.headers(), &body),
            Err(error) => failure(&registry.app, error.into(), None),
        },
        Err(Missing::Nothing(what)) => wrong(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, what),
        Err(Missing::Parameter(what)) => {
            wrong(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, &what)
        }
    }
}

fn body(
    snapshot: &Snapshot,
    base: &str,
    path: &str,
    place: &Place<'_>,
    asked: &Asked,
) -> Result<Value, Missing> {
    let address = format!("{}{path}", base.trim_end_matches('/'));
    match *place {
        Place::Repositories(namespace) => {
            list::repositories(snapshot, (&address, asked), namespace)
        }
        Place::Repository(namespace, name) => {
            let (module, plan) = list::find(snapshot, namespace, name)?;
            Ok(shape::repository(&module, plan_of(&module, &plan)?, true))
        }
        Place::Tags(namespace, name) => {
            let (module, plan) = list::find(snapshot, namespace, name)?;
            list::tags((&address, asked), &module, plan_of(&module, &plan)?)
        }
        Place::Tag(namespace, name, tag) => {
            let (module, plan) = list::find(snapshot, namespace, name)?;
            let plan = plan_of(&module, &plan)?;
            let release = shape::tags_of(plan)
                .remove(tag)
                .ok_or(Missing::Nothing("the repository has no such tag"))?;
            Ok(shape::tag(&module, plan, tag, release))
        }
        Place::Search => list::search(snapshot, (&address, asked)),
    }
}

fn plan_of<'a>(
    module: &'a app::catalog::Module,
    plan: &str,
) -> Result<&'a app::catalog::ModulePlan, Missing> {
    module
        .plan(plan)
        .ok_or(Missing::Nothing("there is no such repository"))
}

/// JSON that a client may keep, as long as it asks each time whether the catalog moved or something in it was pulled.
fn kept((version, pulls): (i64, i64), headers: &HeaderMap, body: &Value) -> Response<Body> {
    let tag = format!("W/\"hub-{version}-{pulls}-{}\"", env!("CARGO_PKG_VERSION"));
    let mut response = if names_tag(headers, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        json_answer(StatusCode::OK, body.to_string())
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, value(&tag));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// An error in Hub's words and in the registry's, since the address does not tell which kind of client asked.
fn wrong(status: StatusCode, code: ErrorCode, message: &str) -> Response<Body> {
    let body = json!({
        "message": message,
        "errinfo": {},
        "errors": [{"code": code.code(), "message": message}],
    });
    json_answer(status, body.to_string())
}

/// `/v2/_oci/ext/discover` (extensions/_oci.md of the distribution specification).
pub(super) async fn discover(State(registry): State<Registry>, request: Request) -> Response<Body> {
    if let Some(response) = refused(&registry.app, request.method(), request.headers()).await {
        return response;
    }
    let extension = |name: &str, description: &str, endpoint: &str| {
        json!({
            "name": name,
            "description": description,
            "url": "https://github.com/opencontainers/distribution-spec/tree/main/extensions",
            "endpoints": [endpoint],
        })
    };
    let body = json!({"extensions": [
        extension("_oci", "lists the extensions of this registry", "_oci/ext/discover"),
        extension("_catalog", "lists the repositories a caller may see", "_catalog"),
    ]});
    json_answer(StatusCode::OK, body.to_string())
}
