//! A publisher's leads as CSV, and the operator's decision on a publisher.

use app::offers::leads_csv;
use app::publishers::{Decision, decide_publisher};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Caller, JsonBody};
use super::schema::ProblemBody;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// Customers who agreed to be passed on, newest first. For managers and owners.
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}/leads", tag = "publishing", security(("token" = [])),
    params(("publisher" = String, Path, description = "Publisher id")),
    responses(
        (status = 200, description = "CSV with a header line", body = String, content_type = "text/csv"),
        (status = 404, description = "No such publisher, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn leads(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let publisher = places.publisher()?;
    let csv = leads_csv(&web.app, &visitor.actor, &publisher).await?;
    let mut response = csv.into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) =
        HeaderValue::from_str(&format!("attachment; filename=\"{publisher}-leads.csv\""))
    {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What the operator decided.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionRequest {
    /// `approve`, `refuse` or `suspend`
    decision: String,
    /// With `approve`: the operator confirmed who they are.
    #[serde(default)]
    verified: bool,
    /// With `approve`: the id looks like another publisher's, and that is meant.
    #[serde(default)]
    look_alike: bool,
    /// Needed for `refuse` and `suspend`; the publisher reads it.
    #[serde(default)]
    reason: String,
}

/// Approves, refuses or suspends a publisher. For operators.
#[utoipa::path(post, path = "/api/v1/publishers/{publisher}/decision", tag = "operating", security(("token" = [])),
    params(("publisher" = String, Path, description = "Publisher id")),
    request_body = DecisionRequest,
    responses(
        (status = 204, description = "Decided"),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The id looks like another publisher's and `look_alike` is not set", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such publisher", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A reason is missing", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn decide(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    JsonBody(asked): JsonBody<DecisionRequest>,
) -> Result<Response, Problem> {
    let decision = match asked.decision.as_str() {
        "approve" if asked.look_alike => Decision::ApproveLookAlike {
            verified: asked.verified,
        },
        "approve" => Decision::Approve {
            verified: asked.verified,
        },
        "refuse" => Decision::Refuse(asked.reason),
        "suspend" => Decision::Suspend(asked.reason),
        _ => {
            return Err(Problem::bad_request(
                "`decision` is `approve`, `refuse` or `suspend`.",
            ));
        }
    };
    decide_publisher(&web.app, &visitor.actor, &places.publisher()?, decision).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
