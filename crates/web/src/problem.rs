//! The one place that knows HTTP status codes. A [`Problem`] says what happened, why, and what to do; it is rendered
//! once, at the edge, as a page, as problem+json (RFC 9457), and never twice. (`/v2` has the OCI envelope of its own.)

use app::deploy::NoManifest;
use app::error::Refused;
use axum::response::{IntoResponse, Response};
use domain::actor::Forbidden;
use domain::violation::Violation;
use http::StatusCode;
use serde_json::{Value, json};

/// What a request came to, when it did not come to an answer.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// What happened, in a few words.
    pub title: String,
    /// Why, and what to do.
    pub detail: String,
    /// Fields that broke rules.
    pub violations: Vec<Violation>,
    /// More members for problem+json.
    pub more: Vec<(&'static str, Value)>,
    /// Seconds, for `Retry-After`.
    pub retry_after: Option<u64>,
    /// The way to sign in would help.
    pub sign_in: bool,
}

impl Problem {
    /// A problem with a status, a title and a sentence.
    pub fn new(status: StatusCode, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: title.into(),
            detail: detail.into(),
            violations: Vec::new(),
            more: Vec::new(),
            retry_after: None,
            sign_in: false,
        }
    }

    /// Nothing here, or nothing that this visitor may see: both answer the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not found",
            format!("There is no {what} here. Check the address, or search for it."),
        )
    }

    /// What was sent does not make sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }

    /// The body of problem+json.
    pub fn json(&self, instance: &str) -> Value {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": instance,
        });
        if let Some(object) = body.as_object_mut() {
            if !self.violations.is_empty() {
                object.insert("violations".into(), json!(self.violations));
            }
            for (name, value) in &self.more {
                object.insert((*name).into(), value.clone());
            }
        }
        body
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Forbidden(Forbidden::SignInFirst) => Self {
                sign_in: true,
                ..Self::new(
                    StatusCode::UNAUTHORIZED,
                    "Sign in first",
                    "This needs an account. Sign in and you come back here.",
                )
            },
            Refused::Forbidden(scope @ Forbidden::Scope(_)) => Self::new(
                StatusCode::FORBIDDEN,
                "Not with this token",
                format!("{scope}."),
            ),
            // Someone without the role learns nothing about what is there.
            Refused::Forbidden(Forbidden::Role(role)) if role.starts_with("member") => {
                Self::not_found("such thing")
            }
            Refused::Forbidden(role) => {
                Self::new(StatusCode::FORBIDDEN, "Not allowed", format!("{role}."))
            }
            Refused::NotFound { what, name } => Self::new(
                StatusCode::NOT_FOUND,
                "Not found",
                format!("There is no {what} `{name}` here. Check the name, or search for it."),
            ),
            Refused::Gone { what, name, reason } => Self {
                more: vec![("reason", json!(reason))],
                ..Self::new(
                    StatusCode::GONE,
                    "Taken down",
                    format!("The operator took the {what} `{name}` down: {reason}"),
                )
            },
            Refused::Invalid(violations) => Self {
                violations,
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "Some values need mending",
                    "Nothing was changed. Every field that breaks a rule is listed with the rule and the fix.",
                )
            },
            Refused::Conflict(why) => Self::new(StatusCode::CONFLICT, "Not in this state", why),
            Refused::TooMany { seconds } => Self {
                retry_after: Some(seconds),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many tries",
                    format!("Wait {seconds} seconds, then try again."),
                )
            },
            Refused::Failed(trouble) => {
                tracing::error!(error = %chain(&trouble), "a request failed");
                Self::failed()
            }
        }
    }
}

impl From<NoManifest> for Problem {
    fn from(no: NoManifest) -> Self {
        match no {
            NoManifest::Refused(refused) => refused.into(),
            NoManifest::Unfilled(placeholders) => {
                let names: Vec<&str> = placeholders.iter().map(|p| p.name.as_str()).collect();
                let detail = format!(
                    "Give a value for {}, as `set.NAME=value`.",
                    names.join(", ")
                );
                Self {
                    more: vec![("unfilled", json!(placeholders))],
                    ..Self::new(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        "Placeholders are left unfilled",
                        detail,
                    )
                }
            }
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Refused::from(error).into()
    }
}

impl Problem {
    /// Our own trouble; the log has the rest.
    pub fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "That did not work",
            "The fault is ours, and nothing was changed. Try again; if it stays, tell the operator the request id.",
        )
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    /// Leaves the rendering to the edge, which knows whether a page or JSON was asked for.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
