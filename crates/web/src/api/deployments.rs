//! Deployment manifests that somebody has: checking one, and merging a module into one without touching the rest.

use std::collections::BTreeMap;

use app::deploy::{self, Choice};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::deployment::{self, Conflict, DOCUMENT_BYTES_MAX, Document, ModuleEntry, ParseProblem};
use domain::ids::OfferKey;
use domain::violation::Level;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::json as answer;
use super::body::{bounded, parse, require_json};
use super::schema::ProblemBody;
use crate::problem::Problem;
use crate::state::Web;

/// Largest body of a merge, in bytes: a document of [`DOCUMENT_BYTES_MAX`] as a JSON string, escaped, and the rest.
const MERGE_BYTES_MAX: usize = 3 * DOCUMENT_BYTES_MAX;

/// What checking found.
#[derive(Serialize, ToSchema)]
pub(super) struct Validation {
    /// No errors; warnings may be there.
    ok: bool,
    /// `manifest`, `template` or `layered`; absent when the text could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Each with `level`, `pointer`, `what`, `expected`, `fix`, `code`.
    #[schema(value_type = Vec<Object>)]
    problems: Value,
}

fn validation(text: &str) -> Validation {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(problem) => {
            return Validation {
                ok: false,
                kind: None,
                problems: json!([{
                    "level": "error", "pointer": "", "code": "document.parse",
                    "what": problem.to_string(), "line": problem.line, "column": problem.column,
                    "expected": "JSON; comments and trailing commas are allowed",
                    "fix": "Correct the text at this place.",
                }]),
            };
        }
    };
    let problems = deployment::validate(&document);
    Validation {
        ok: problems.iter().all(|problem| problem.level != Level::Error),
        kind: Some(match document.kind() {
            deployment::Kind::Manifest => "manifest",
            deployment::Kind::Template => "template",
            deployment::Kind::Layered => "layered",
        }),
        problems: json!(problems),
    }
}

/// Work on a document of a megabyte is not for the threads that answer everybody.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "work on a deployment document stopped");
        Problem::failed()
    })
}

/// Checks a deployment manifest, template or layered deployment, given as the text itself, at most 1 MiB. Every problem
/// at once, each with its JSON pointer.
#[utoipa::path(post, path = "/api/v1/deployments/validate", tag = "deployments",
    request_body(content = String, description = "The document", content_type = "application/json"),
    responses(
        (status = 200, description = "What was found, whether right or wrong", body = Validation),
        (status = 413, description = "Over 1 MiB", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn validate(request: Request) -> Result<Response, Problem> {
    let bytes = bounded(request, DOCUMENT_BYTES_MAX).await?;
    let text = String::from_utf8(bytes.to_vec());
    let text = text.map_err(|_| Problem::bad_request("The document is not UTF-8 text."))?;
    answer(StatusCode::OK, &aside(move || validation(&text)).await?)
}

/// A merge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeRequest {
    /// The document as it is: nothing outside the inserted spans changes, comments and order included.
    document: String,
    /// `publisher.offer`
    module: String,
    /// The first listed plan when not given.
    plan: Option<String>,
    /// The newest when not given.
    version: Option<String>,
    /// Another module name than the default.
    name: Option<String>,
    /// Placeholder → value.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Route of the module → another name for it, when its own is taken in the document.
    #[serde(default)]
    route_names: BTreeMap<String, String>,
}

/// A document with one module more.
#[derive(Serialize, ToSchema)]
pub(super) struct MergeResult {
    text: String,
    /// Each with `pointer`, `kind`, `value`.
    #[schema(value_type = Vec<Object>)]
    changes: Value,
    /// What was inserted, as byte ranges `[start, end]` of the new text.
    inserted: Vec<(usize, usize)>,
}

enum NoMerge {
    Text(ParseProblem),
    Conflicts(Vec<Conflict>),
}

/// Merges a module into a document. Nothing is changed when anything clashes; every conflict is told.
#[utoipa::path(post, path = "/api/v1/deployments/merge", tag = "deployments",
    request_body = MergeRequest,
    responses(
        (status = 200, description = "The new text", body = MergeResult),
        (status = 400, description = "The document cannot be read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such module, plan or version", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Names, ports, routes or limits clash, all told in `conflicts`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Placeholders without a value", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn merge(State(web): State<Web>, request: Request) -> Result<Response, Problem> {
    require_json(request.headers())?;
    let asked: MergeRequest = parse(&bounded(request, MERGE_BYTES_MAX).await?)?;
    let none = || Problem::not_found("module of that name");
    let key: OfferKey = asked.module.parse().map_err(|_| none())?;
    let module = web.app.module(&key)?;
    let first = module
        .public_plans()
        .next()
        .map(|plan| plan.plan.to_string());
    let plan = asked
        .plan
        .or(first)
        .ok_or_else(|| Problem::not_found("plan"))?;
    let choice = Choice {
        version: asked.version,
        module_name: asked.name,
        values: asked.set,
    };
    let mut entry = deploy::entry(&web.app, &module, &plan, &choice)?;
    rename_routes(&mut entry, &asked.route_names)?;
    let merged = aside(move || {
        let document = Document::parse(&asked.document).map_err(NoMerge::Text)?;
        let form = deployment::Form::of(&document);
        deployment::merge(&document, &entry, form).map_err(NoMerge::Conflicts)
    });
    let merged = merged.await?.map_err(refused)?;
    answer(
        StatusCode::OK,
        &MergeResult {
            inserted: merged
                .inserted
                .iter()
                .map(|span| (span.start, span.end))
                .collect(),
            changes: json!(merged.changes),
            text: merged.text,
        },
    )
}

fn rename_routes(entry: &mut ModuleEntry, names: &BTreeMap<String, String>) -> Result<(), Problem> {
    let routes = entry.routes.iter().map(|route| route.name.clone());
    let known: Vec<String> = routes.collect();
    // All at once: two routes may swap their names.
    let taken = std::mem::take(&mut entry.routes);
    entry.routes = taken
        .into_iter()
        .map(|mut route| {
            if let Some(new) = names.get(&route.name) {
                route.name.clone_from(new);
            }
            route
        })
        .collect();
    match names.keys().find(|old| !known.contains(old)) {
        None => Ok(()),
        Some(unknown) => Err(app::error::Refused::invalid(
            "route_names",
            &format!("routes of the module: {}", known.join(", ")),
            unknown.chars().take(120).collect::<String>(),
            "Name a route that the module has.",
        )
        .into()),
    }
}

fn refused(no: NoMerge) -> Problem {
    match no {
        NoMerge::Text(problem) => {
            Problem::bad_request(format!("The document cannot be read: {problem}."))
        }
        NoMerge::Conflicts(conflicts) => Problem {
            more: vec![("conflicts", json!(conflicts))],
            ..Problem::new(
                StatusCode::CONFLICT,
                "The module does not fit in",
                "Nothing was changed. Each conflict says where it is and what to do.",
            )
        },
    }
}
