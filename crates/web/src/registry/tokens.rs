//! `/token`: the token endpoint of the challenge. `GET` after the distribution project's token specification, anonymous
//! or with Basic credentials; `POST` with a form after its OAuth2 variant, password grant only. There are no refresh
//! tokens yet: asking for one is answered with OAuth's own error, on which clients fall back.

use app::App;
use app::clock::rfc3339;
use app::registry::{Caller, Granted, Refusal, grant_token, sign_in};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use oci::{AccessEntry, ErrorCode, Scope};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::{Failure, failure, json as json_answer, realm, value};
use super::incoming::Incoming;
use super::{Registry, identify_caller};

/// Bytes of a form.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a query.
const QUERY_BYTES_MAX: usize = 16 * 1024;

/// What OAuth calls the failure, beside the registry's own code.
fn oauth(error: &str, status: StatusCode, message: &str, code: ErrorCode) -> Response<Body> {
    let body = json!({
        "error": error,
        "error_description": message,
        "errors": [{"code": code.code(), "message": message}],
    });
    json_answer(status, body.to_string())
}

pub(super) async fn handle(State(registry): State<Registry>, request: Request) -> Response<Body> {
    let app = &registry.app;
    let response = match *request.method() {
        Method::GET | Method::HEAD => get(app, request).await,
        Method::POST => post(app, request).await,
        _ => {
            let mut response = oauth(
                "invalid_request",
                StatusCode::METHOD_NOT_ALLOWED,
                "use GET or POST here",
                ErrorCode::Unsupported,
            );
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            Ok(response)
        }
    };
    let mut response = response.unwrap_or_else(|refusal| refused(app, refusal));
    // A token is a secret of the client that asked.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refused(app: &App, refusal: Refusal) -> Response<Body> {
    if let Refusal::Unauthorized { message, .. } = &refusal {
        let mut response = oauth(
            "invalid_grant",
            StatusCode::UNAUTHORIZED,
            message,
            ErrorCode::Unauthorized,
        );
        let challenge = value(&format!("Basic realm=\"{}\"", realm(app)));
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return response;
    }
    failure(app, Failure::Refusal(refusal), None)
}

fn too_long(what: &str, limit: usize) -> Refusal {
    Refusal::invalid(
        ErrorCode::Unsupported,
        format!("the {what} may have {limit} bytes; ask for fewer scopes"),
    )
}

async fn get(app: &App, request: Request) -> Result<Response<Body>, Refusal> {
    let caller = identify_caller(app, request.headers()).await?;
    let query = request.uri().query().unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_long("query", QUERY_BYTES_MAX));
    }
    let asked = Asked::read(query.as_bytes());
    answer(app, &caller, &asked).await
}

async fn post(app: &App, request: Request) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = Incoming::new(&parts.headers, body);
    let form = body.collect(FORM_BYTES_MAX, "token request").await?;
    let asked = Asked::read(&form);
    match asked.grant_type.as_deref() {
        Some("password") => {}
        other => {
            let message = format!(
                "grant_type `{}` is not offered; use `password`, or GET with Basic credentials",
                other
                    .unwrap_or_default()
                    .chars()
                    .take(40)
                    .collect::<String>()
            );
            return Ok(oauth(
                "unsupported_grant_type",
                StatusCode::BAD_REQUEST,
                &message,
                ErrorCode::Unsupported,
            ));
        }
    }
    let (Some(user), Some(password)) = (&asked.username, &asked.password) else {
        let message = "the password grant needs `username` and `password`";
        return Ok(oauth(
            "invalid_request",
            StatusCode::BAD_REQUEST,
            message,
            ErrorCode::Unsupported,
        ));
    };
    let caller = sign_in(app, user, password).await?;
    answer(app, &caller, &asked).await
}

/// The parameters of a token request, from a query or a form. Others are ignored, as the specification asks.
#[derive(Default)]
struct Asked {
    service: Option<String>,
    scopes: Vec<String>,
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Asked {
    fn read(text: &[u8]) -> Self {
        let mut asked = Self::default();
        for (name, text) in form_urlencoded::parse(text) {
            let text = text.into_owned();
            match name.as_ref() {
                "service" => asked.service = Some(text),
                "scope" => asked.scopes.push(text),
                "grant_type" => asked.grant_type = Some(text),
                "username" => asked.username = Some(text),
                "password" => asked.password = Some(text),
                _ => {}
            }
        }
        asked
    }

    fn entries(&self) -> Result<Vec<AccessEntry>, Refusal> {
        let mut entries = Vec::new();
        for text in &self.scopes {
            let scope: Scope = text.parse().map_err(|error: oci::ScopeError| {
                Refusal::invalid(ErrorCode::Unsupported, error.to_string())
            })?;
            entries.extend(scope.0);
        }
        Ok(entries)
    }
}

async fn answer(app: &App, caller: &Caller, asked: &Asked) -> Result<Response<Body>, Refusal> {
    let ours = &app.settings.registry_host;
    if let Some(service) = asked
        .service
        .as_deref()
        .filter(|service| !service.is_empty() && service != ours)
    {
        let found: String = service.chars().take(80).collect();
        let message = format!(
            "this endpoint makes tokens for the service `{ours}`, not for `{found}`; take the service from the challenge"
        );
        return Err(Refusal::invalid(ErrorCode::Unsupported, message));
    }
    let granted = grant_token(app, caller, &asked.entries()?).await?;
    Ok(json_answer(StatusCode::OK, body(&granted).to_string()))
}

fn body(granted: &Granted) -> Value {
    json!({
        "token": granted.token,
        "access_token": granted.token,
        "token_type": "Bearer",
        "expires_in": granted.expires_in,
        "issued_at": rfc3339(granted.issued_at),
        "scope": granted.scope,
    })
}
