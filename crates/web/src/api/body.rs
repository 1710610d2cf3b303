//! What comes in: who is asking, and a bounded JSON body. A browser's session must carry its anti-forgery token in
//! `x-csrf-token` for anything but reading; an access token needs none, since no browser sends it by itself.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::body::whole;
use crate::form::{check_csrf, check_origin};
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// Largest JSON body, in bytes.
pub(super) const JSON_BYTES_MAX: usize = 1024 * 1024;

/// Who is asking; a change by a session was checked to come from this site.
pub(super) struct Caller(pub(super) Visitor);

impl FromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, web).await?;
        let changes = !matches!(parts.method, Method::GET | Method::HEAD);
        if changes && visitor.session.is_some() {
            check_origin(&parts.headers, web)?;
            let given = parts
                .headers
                .get("x-csrf-token")
                .and_then(|value| value.to_str().ok());
            check_csrf(&visitor, given.unwrap_or_default())?;
        }
        Ok(Self(visitor))
    }
}

/// Reads a body of at most so many bytes.
pub(super) async fn bounded(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    whole(request.into_body(), bytes_max, "body").await
}

/// A JSON body of at most [`JSON_BYTES_MAX`] bytes; nesting is bounded by the reader (128 levels).
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Web> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Web) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = bounded(request, JSON_BYTES_MAX).await?;
        parse(&bytes).map(Self)
    }
}

/// Refuses a body that does not call itself JSON: a page of another site could send anything else unasked.
pub(super) fn require_json(headers: &http::HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind == "application/json" || kind.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Not JSON",
        "This address takes a JSON body; send it with `Content-Type: application/json`.",
    ))
}

/// Reads JSON of a shape; the refusal names the place.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::bad_request(format!(
            "The body is not what is wanted here: {error}. See /api/openapi.json."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn deep_nesting_ends_in_a_problem_and_not_in_the_stack() {
        let deep = "[".repeat(200_000);
        let problem = parse::<serde_json::Value>(deep.as_bytes()).unwrap_err();
        assert!(problem.detail.contains("recursion"), "{}", problem.detail);
    }
}
