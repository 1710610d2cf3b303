//! A module calls a method of another one by HTTPS (edge-runtime fact sheet §1.5):
//! `POST /twins/{device}/modules/{module}/methods` with its own token.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::act::METHOD_BYTES_MAX;
use super::{Hub, MethodError};
use crate::token::{Audience, Token};

/// Seconds that a body may take.
const BODY_SECONDS_MAX: u64 = 30;
/// Seconds to wait for an answer unless the caller says.
const RESPONSE_SECONDS: u64 = 30;
/// Seconds a caller may ask to wait, at least and at most.
const RESPONSE_SECONDS_RANGE: (u64, u64) = (5, 300);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    method_name: String,
    #[serde(default)]
    payload: Value,
    response_timeout_in_seconds: Option<u64>,
}

/// Device and module of a path, if it is one to call methods on.
pub(super) fn target(path: &str) -> Option<(String, String)> {
    let segments: Vec<&str> = path.split('/').collect();
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    match segments.as_slice() {
        ["", "twins", device, "modules", module, "methods"] => {
            Some((decoded(device)?, decoded(module)?))
        }
        _ => None,
    }
}

/// Checks who calls, calls, and answers.
pub(super) async fn invoke(
    hub: &Hub,
    device: &str,
    module: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if let Err(reason) = hub.check_caller(&head.headers) {
        return problem(StatusCode::UNAUTHORIZED, reason);
    }
    if !device.eq_ignore_ascii_case(&hub.device().device) {
        return problem(
            StatusCode::NOT_FOUND,
            format!("no device {device:?} in this run"),
        );
    }
    let patience = Duration::from_secs(BODY_SECONDS_MAX);
    let limited = Limited::new(body, 2 * METHOD_BYTES_MAX);
    let Ok(Ok(body)) = tokio::time::timeout(patience, limited.collect()).await else {
        let what = format!(
            "the body is not read to its end, or has more than {} bytes",
            2 * METHOD_BYTES_MAX
        );
        return problem(StatusCode::BAD_REQUEST, what);
    };
    let call: Call = match serde_json::from_slice(&body.to_bytes()) {
        Ok(call) => call,
        Err(wrong) => {
            return problem(
                StatusCode::BAD_REQUEST,
                format!("the body is no method call: {wrong}"),
            );
        }
    };
    let (least, most) = RESPONSE_SECONDS_RANGE;
    let wait = call
        .response_timeout_in_seconds
        .unwrap_or(RESPONSE_SECONDS)
        .clamp(least, most);
    let answered = hub
        .call_method(
            module,
            &call.method_name,
            &call.payload,
            Duration::from_secs(wait),
        )
        .await;
    match answered {
        Ok(answer) => respond(
            StatusCode::OK,
            &json!({"status": answer.status, "payload": answer.value()}),
        ),
        Err(failed) => {
            let status = match failed {
                MethodError::UnknownModule(_) | MethodError::NotReachable(_) => {
                    StatusCode::NOT_FOUND
                }
                MethodError::Crowded(_) => StatusCode::TOO_MANY_REQUESTS,
                MethodError::Name(_) => StatusCode::BAD_REQUEST,
                MethodError::Oversize(_) => StatusCode::PAYLOAD_TOO_LARGE,
                MethodError::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
            };
            problem(status, failed.to_string())
        }
    }
}

impl Hub {
    /// The caller is a module of this run with a valid token of its own.
    fn check_caller(&self, headers: &HeaderMap) -> Result<(), String> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let caller = text("x-ms-edge-moduleid")
            .ok_or("no x-ms-edge-moduleId header; it is device/module")?;
        let (device, name) = caller
            .split_once('/')
            .ok_or("x-ms-edge-moduleId is device/module")?;
        let credentials = self
            .lock()
            .module(name)
            .map(|module| std::sync::Arc::clone(&module.credentials))
            .filter(|_| device.eq_ignore_ascii_case(&self.device.device))
            .ok_or_else(|| {
                format!(
                    "no module {:?} in this run",
                    caller.chars().take(200).collect::<String>()
                )
            })?;
        let token = text(header::AUTHORIZATION.as_str())
            .ok_or("no Authorization header; it is a SAS token")?;
        let audience = Audience {
            hub: &self.device.hub,
            gateway: &self.device.gateway,
            device: &self.device.device,
            module: &credentials.module,
        };
        Token::parse(token)
            .and_then(|token| token.verify(audience, credentials.key(), self.now_seconds()))
            .map_err(|problem| problem.to_string())
    }
}

fn problem(status: StatusCode, message: String) -> Response<Full<Bytes>> {
    respond(status, &json!({"message": message}))
}

fn respond(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(value.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
