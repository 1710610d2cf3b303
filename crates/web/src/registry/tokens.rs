//! `/token`: the token endpoint of the challenge. `GET` after the distribution project's token specification, anonymous
//! or with Basic credentials; `POST` with a form after its OAuth2 variant, by password or by refresh token. A refresh
//! token comes only to who asks for one (`offline_token=true`, `access_type=offline`).

use app::App;
use app::clock::rfc3339;
use app::registry::{
    Caller, Granted, Refusal, grant_token, refresh, refresh_token, secret_of, sign_in,
};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
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
    let secret = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|header| secret_of(header.as_bytes()))
        .filter(|_| asked.offline_token);
    answer(app, &caller, &asked, secret.as_deref()).await
}

async fn post(app: &App, request: Request) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = Incoming::new(&parts.headers, body, app.settings.transfers);
    let form = body.collect(FORM_BYTES_MAX, "token request").await?;
    let asked = Asked::read(&form);
    match asked.grant_type.as_deref() {
        Some("password") => {
            let (Some(user), Some(password)) = (&asked.username, &asked.password) else {
                return Ok(lacks("the password grant needs `username` and `password`"));
            };
            let caller = sign_in(app, user, password).await?;
            let secret = asked.offline_access.then_some(password.as_str());
            answer(app, &caller, &asked, secret).await
        }
        Some("refresh_token") => {
            let Some(token) = asked.refresh_token.as_deref() else {
                return Ok(lacks("the refresh grant needs `refresh_token`"));
            };
            let caller = refresh(app, token).await?;
            answer(app, &caller, &asked, Some(token)).await
        }
        other => {
            let found: String = other.unwrap_or_default().chars().take(40).collect();
            let message = format!(
                "grant_type `{found}` is not offered; use `password` or `refresh_token`, or GET with Basic credentials"
            );
            Ok(oauth(
                "unsupported_grant_type",
                StatusCode::BAD_REQUEST,
                &message,
                ErrorCode::Unsupported,
            ))
        }
    }
}

fn lacks(message: &str) -> Response<Body> {
    oauth(
        "invalid_request",
        StatusCode::BAD_REQUEST,
        message,
        ErrorCode::Unsupported,
    )
}

/// The parameters of a token request, from a query or a form. Others are ignored, as the specification asks.
#[derive(Default)]
struct Asked {
    service: Option<String>,
    scopes: Vec<String>,
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
    client_id: String,
    /// `offline_token=true` of the GET form.
    offline_token: bool,
    /// `access_type=offline` of the POST form.
    offline_access: bool,
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
                "refresh_token" => asked.refresh_token = Some(text),
                "client_id" => asked.client_id = text,
                "offline_token" => asked.offline_token = text == "true",
                "access_type" => asked.offline_access = text == "offline",
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

/// `secret` is what the client signed in with, when it also wants a refresh token.
async fn answer(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    secret: Option<&str>,
) -> Result<Response<Body>, Refusal> {
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
    let mut body = body(&granted);
    if let Some(secret) = secret
        && let Some(token) = refresh_token(app, caller, secret, &asked.client_id).await?
    {
        body["refresh_token"] = token.into();
    }
    Ok(json_answer(StatusCode::OK, body.to_string()))
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
