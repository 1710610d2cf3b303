//! What a developer does on the page.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use edge::hub::MethodError;
use edge::twin::difference;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Desk, refused};
use crate::verbs::trial::order::{METHOD_SECONDS, OUTAGE_SECONDS_MAX, message};

/// An order of the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase")]
pub(super) enum Order {
    /// A message to an input.
    Input {
        module: String,
        name: String,
        body: Value,
    },
    /// The desired properties as they are to be, all of them.
    Desired {
        module: String,
        desired: Map<String, Value>,
    },
    /// A call of a method.
    Call {
        module: String,
        name: String,
        body: Value,
    },
    /// The hub is away for a while.
    Outage { seconds: u64 },
}

pub(super) async fn act(
    State(desk): State<Arc<Desk>>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(problem) => return refused(problem.status(), &problem.body_text()),
    };
    match order {
        Order::Input { module, name, body } => done(
            desk.hub
                .send_input(&module, &name, &message(&body))
                .map(|()| json!({})),
        ),
        Order::Desired { module, desired } => set_desired(&desk, &module, &desired),
        Order::Call { module, name, body } => {
            let patience = Duration::from_secs(METHOD_SECONDS);
            match desk.hub.call_method(&module, &name, &body, patience).await {
                Ok(answer) => Json(json!({"status": answer.status, "payload": answer.value()}))
                    .into_response(),
                Err(problem @ MethodError::TimedOut(_)) => {
                    refused(StatusCode::GATEWAY_TIMEOUT, &problem)
                }
                Err(problem) => refused(StatusCode::UNPROCESSABLE_ENTITY, &problem),
            }
        }
        Order::Outage { seconds } if (1..=OUTAGE_SECONDS_MAX).contains(&seconds) => {
            let sent = desk.outages.try_send(Duration::from_secs(seconds));
            done(
                sent.map(|()| json!({}))
                    .map_err(|_| "an outage is on its way already"),
            )
        }
        Order::Outage { .. } => refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("an outage of 1 to {OUTAGE_SECONDS_MAX} seconds"),
        ),
    }
}

/// Sends the module what makes its desired properties these.
fn set_desired(desk: &Desk, module: &str, wanted: &Map<String, Value>) -> Response {
    let twin = match desk.hub.twin(module) {
        Ok(twin) => twin,
        Err(problem) => return refused(StatusCode::NOT_FOUND, &problem),
    };
    let mut present = twin["desired"].as_object().cloned().unwrap_or_default();
    present.remove("$version");
    let patch = difference(&present, wanted);
    if patch.is_empty() {
        return Json(json!({})).into_response();
    }
    match desk.hub.change_desired(module, &patch) {
        Ok(changed) => done(changed.map(|version| json!({"version": version}))),
        Err(problem) => refused(StatusCode::NOT_FOUND, &problem),
    }
}

fn done<E: std::fmt::Display>(outcome: Result<Value, E>) -> Response {
    match outcome {
        Ok(said) => Json(said).into_response(),
        Err(problem) => refused(StatusCode::UNPROCESSABLE_ENTITY, &problem),
    }
}
