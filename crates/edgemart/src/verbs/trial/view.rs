//! Events as lines for people.

use edge::log::{Entry, Event, Reading};

use super::super::output::plain;

/// One line.
pub(super) fn line(entry: &Entry) -> String {
    let at = entry.at_us / 1_000;
    let whose = entry.module.as_deref().unwrap_or("hub");
    let text = format!(
        "{:>4}.{:03}  {whose:<12} {}",
        at / 1_000,
        at % 1_000,
        text(&entry.event)
    );
    let mut text = plain(&text).replace('\n', " ");
    text.push('\n');
    text
}

fn text(event: &Event) -> String {
    match event {
        Event::HubStarted => "hub listens".into(),
        Event::HubStopped => "hub is away".into(),
        Event::Workload {
            operation, status, ..
        } => format!("workload API {operation}: {status}"),
        Event::WorkloadCrowded => "workload API: too many connections, one dropped".into(),
        Event::TlsAccepted { port, version } => format!("{version} on {port}"),
        Event::TlsRefused { port, reason } => format!("no TLS on {port}: {reason}"),
        Event::HubCrowded { port } => format!("too many connections, one dropped on {port}"),
        Event::NameAsked { name } => format!("asked for the address of {name}"),
        Event::AmqpAttempted { asked } => {
            format!("AMQP attempted ({asked}); only MQTT is spoken here")
        }
        Event::Connected {
            transport,
            client_type,
            session_present,
            ..
        } => {
            let session = if *session_present {
                "session kept"
            } else {
                "new session"
            };
            format!(
                "connected by {transport}, {session}, {}",
                client_type.as_deref().unwrap_or("no client type")
            )
        }
        Event::ConnectRefused { code, reason } => format!("connection refused ({code}): {reason}"),
        Event::Disconnected { clean: true, .. } => "disconnected".into(),
        Event::Disconnected { reason, .. } => format!("connection lost: {reason}"),
        Event::ProtocolError { reason } => format!("protocol error: {reason}"),
        Event::Subscribed {
            filter,
            granted: Some(_),
        } => format!("subscribed to {filter}"),
        Event::Subscribed {
            filter,
            granted: None,
        } => format!("subscription refused: {filter}"),
        Event::Unsubscribed { filter } => format!("unsubscribed from {filter}"),
        other => of_module(other),
    }
}

/// What a connected module does, and what is done to it.
fn of_module(event: &Event) -> String {
    match event {
        Event::Message { output, body, .. } => {
            format!(
                "message {} {}",
                output.as_deref().unwrap_or("(no output)"),
                shown(body)
            )
        }
        Event::Routed { route, to } => format!("  → {to} by {route}"),
        Event::NotRouted { .. } => "  → nowhere: no route takes it".into(),
        Event::InputSent { input, body } => format!("input {input} ← {}", shown(body)),
        Event::InputTaken { input } => format!("input {input} taken"),
        Event::InputDropped { input, reason } => format!("input {input}: one dropped, {reason}"),
        Event::ReplyDropped { family } => {
            format!("{family}: one dropped, the module does not take what waits")
        }
        Event::TwinRead { subscribed: true } => "twin read".into(),
        Event::TwinRead { subscribed: false } => {
            "twin asked for, without a subscription to the answer".into()
        }
        Event::Reported { patch, version } => format!("reported {patch} (version {version})"),
        Event::ReportedRefused { reason } => format!("report refused: {reason}"),
        Event::DesiredChanged {
            patch,
            version,
            sent,
        } => {
            let told = if *sent { "" } else { ", module not told" };
            format!("desired {patch} (version {version}{told})")
        }
        Event::MethodCalled { method, payload } => format!("method {method} ← {payload}"),
        Event::MethodAnswered {
            method,
            status,
            body,
            after_ms,
        } => {
            format!(
                "method {method}: {status} {} after {after_ms} ms",
                shown(body)
            )
        }
        Event::MethodFailed { method, reason } => format!("method {method}: {reason}"),
        Event::MethodStray { rid } => format!("an answer to no call ({rid})"),
        other => other.kind().into(),
    }
}

fn shown(body: &Reading) -> String {
    match &body.text {
        Some(text) => text.clone(),
        None => format!("({} bytes)", body.bytes),
    }
}
