//! Every refusal of the registry as HTTP: the one table from variant to status, the error envelope, and the headers that
//! belong to each. A 5xx tells nothing of the inside; the log tells all.

use app::App;
use app::clock::spread_seconds;
use app::error::Trouble;
use app::registry::{Fault, Refusal};
use app::settings::Challenge;
use axum::body::Body;
use axum::http::header::{
    ALLOW, CONTENT_RANGE, CONTENT_TYPE, HeaderName, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Response, StatusCode};
use oci::{ErrorCode, ParseError, RepositoryName, error_body};

/// Seconds a client is asked to wait when the database or storage is away.
const UNAVAILABLE_SECONDS: u64 = 5;

/// `Docker-Upload-UUID`, which old engines look at.
pub(super) const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Why a request got no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is no operation of the protocol.
    Parse(ParseError),
    /// The use-case refused.
    Refusal(Refusal),
    /// A range that lies outside the blob of this many bytes.
    Unsatisfiable(u64),
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Refusal(error.into())
    }
}

/// A header value; what cannot be one (it never happens with our own texts) is left empty.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// An answer with a status and a body of a type.
pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: String) -> Response<Body> {
    answer(status, "application/json", body)
}

/// Where an upload of a repository is found; relative, so that it survives proxies.
pub(super) fn upload_location(repository: &RepositoryName, id: &str) -> HeaderValue {
    value(&format!("/v2/{repository}/blobs/uploads/{id}"))
}

/// What an upload holds, as `0-{last}`; an empty one says `0-0`, as the protocol has no word for nothing.
pub(super) fn upload_range(size: u64) -> HeaderValue {
    value(&format!("0-{}", size.saturating_sub(1)))
}

/// The challenge that sends a client to the token endpoint.
pub(super) fn bearer_challenge(app: &App, scopes: &str, error: Option<&str>) -> HeaderValue {
    let mut text = format!(
        "Bearer realm=\"{}\",service=\"{}\"",
        realm(app),
        app.settings.registry_host
    );
    if !scopes.is_empty() {
        text.push_str(&format!(",scope=\"{scopes}\""));
    }
    if let Some(error) = error {
        text.push_str(&format!(",error=\"{error}\""));
    }
    value(&text)
}

/// The challenge that asks for a name and a password with each request (RFC 7617).
fn basic_challenge(app: &App) -> HeaderValue {
    let host = &app.settings.registry_host;
    value(&format!("Basic realm=\"{host}\", charset=\"UTF-8\""))
}

/// The token endpoint's address.
pub(super) fn realm(app: &App) -> String {
    format!(
        "{}/token",
        app.settings.public_url.as_str().trim_end_matches('/')
    )
}

fn envelope(status: StatusCode, faults: &[Fault]) -> Response<Body> {
    let entries: Vec<_> = faults
        .iter()
        .map(|fault| (fault.code, fault.message.as_str(), fault.detail.clone()))
        .collect();
    json(status, error_body(&entries))
}

fn one(status: StatusCode, code: ErrorCode, message: &str) -> Response<Body> {
    envelope(status, &[Fault::new(code, message)])
}

/// Renders a failure. `repository` is the one asked for, when the request was that far understood.
pub(super) fn failure(
    app: &App,
    failure: Failure,
    repository: Option<&RepositoryName>,
) -> Response<Body> {
    match failure {
        Failure::Parse(error) => parse_failure(&error),
        Failure::Refusal(refused) => refusal(app, refused, repository),
        Failure::Unsatisfiable(size) => {
            let message = format!("the blob has {size} bytes and the range asked for lies outside");
            let mut response = one(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::SizeInvalid,
                &message,
            );
            let range = value(&oci::range::Ranges::unsatisfied(size));
            response.headers_mut().insert(CONTENT_RANGE, range);
            response
        }
    }
}

fn parse_failure(error: &ParseError) -> Response<Body> {
    let status = match error {
        ParseError::NotFound { .. }
        | ParseError::TagUnknown(_)
        | ParseError::UploadUnknown { .. } => StatusCode::NOT_FOUND,
        ParseError::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = one(status, error.code(), &error.to_string());
    if let ParseError::MethodNotAllowed { allow, .. } = error {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// Renders a refusal: the status table.
pub(super) fn refusal(
    app: &App,
    refusal: Refusal,
    repository: Option<&RepositoryName>,
) -> Response<Body> {
    let text = refusal.to_string();
    match refusal {
        Refusal::Unauthorized {
            message,
            scopes,
            error,
        } => {
            let mut response = one(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, &message);
            let challenge = match app.settings.registry.challenge {
                Challenge::Bearer => bearer_challenge(app, &scopes, error),
                Challenge::Basic => basic_challenge(app),
            };
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
        Refusal::Denied(reason) => one(StatusCode::FORBIDDEN, ErrorCode::Denied, &reason),
        Refusal::NotFound(fault) => envelope(StatusCode::NOT_FOUND, &[fault]),
        Refusal::Invalid(faults) => envelope(StatusCode::BAD_REQUEST, &faults),
        Refusal::Interrupted(fault) => envelope(StatusCode::BAD_REQUEST, &[fault]),
        Refusal::TooLarge(fault) => envelope(StatusCode::PAYLOAD_TOO_LARGE, &[fault]),
        Refusal::Conflict(fault) => envelope(StatusCode::CONFLICT, &[fault]),
        Refusal::OutOfOrder { id, size } => {
            let mut response = one(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::BlobUploadInvalid,
                &text,
            );
            let headers = response.headers_mut();
            headers.insert(RANGE, upload_range(size));
            headers.insert(UPLOAD_ID, value(&id));
            if let Some(repository) = repository {
                headers.insert(LOCATION, upload_location(repository, &id));
            }
            response
        }
        Refusal::TooMany { seconds } => {
            let mut response = one(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::TooManyRequests,
                &text,
            );
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(spread_seconds(seconds)));
            response
        }
        Refusal::Failed(trouble) => failed(&trouble),
    }
}

/// Our own trouble. `UNKNOWN` is none of the protocol's codes, which all blame the request; clients show it as it is.
fn failed(trouble: &Trouble) -> Response<Body> {
    tracing::error!(error = %trouble, "a registry request failed");
    let passing = matches!(
        trouble,
        Trouble::Store(store::Error::Unavailable(_) | store::Error::Busy(_))
    );
    let (status, message) = if passing {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the registry's database is away; try again soon",
        )
    } else {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the registry could not do this; its operator finds the reason in the log",
        )
    };
    let body = serde_json::json!({"errors": [{"code": "UNKNOWN", "message": message}]});
    let mut response = json(status, body.to_string());
    if passing {
        response.headers_mut().insert(
            RETRY_AFTER,
            HeaderValue::from(spread_seconds(UNAVAILABLE_SECONDS)),
        );
    }
    response
}
