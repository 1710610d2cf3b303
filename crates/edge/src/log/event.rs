//! What can happen in a run.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

/// Bytes of JSON text that an event keeps of a patch, of a method's payload, or of a message's properties.
const JSON_BYTES_MAX: usize = 4 * 1024;
/// Characters of a payload or of a reason that an event keeps.
const EXCERPT_CHARS_MAX: usize = 1_024;

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The hub listens.
    HubStarted,
    /// The hub stopped, on purpose: an outage.
    HubStopped,
    /// A request to the workload API was answered.
    Workload {
        /// Name of the operation, or the path when it is none.
        operation: String,
        /// HTTP status.
        status: u16,
        /// API version asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        api_version: Option<String>,
    },
    /// A workload connection beyond those served at once was dropped.
    WorkloadCrowded,
    /// A TLS handshake ended well.
    TlsAccepted {
        /// Port it was on.
        port: u16,
        /// Protocol version.
        version: String,
    },
    /// A TLS handshake failed.
    TlsRefused {
        /// Port it was on.
        port: u16,
        /// What the TLS library says.
        reason: String,
    },
    /// A connection beyond those served at once was dropped.
    HubCrowded {
        /// Port it was on.
        port: u16,
    },
    /// Somebody asked for the address of a name; nobody gets one.
    NameAsked {
        /// The name.
        name: String,
    },
    /// An AMQP client knocked.
    AmqpAttempted {
        /// What it asked for: `AMQP`, `SASL`, `TLS` or `websocket`.
        asked: String,
    },
    /// A module connected.
    Connected {
        /// `DeviceClientType` of the user name, decoded.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_type: Option<String>,
        /// `api-version` of the user name.
        api_version: String,
        /// `mqtt` or `websocket`.
        transport: String,
        /// Clean session asked for.
        clean_session: bool,
        /// Whether the session was there.
        session_present: bool,
        /// Keep alive in seconds.
        keep_alive_seconds: u16,
        /// When its token ends, in seconds since 1970.
        token_expires: u64,
    },
    /// A connection attempt was refused.
    ConnectRefused {
        /// CONNACK return code.
        code: u8,
        /// Why.
        reason: String,
    },
    /// A connection ended.
    Disconnected {
        /// By DISCONNECT.
        clean: bool,
        /// Why.
        reason: String,
    },
    /// A packet that breaks the protocol or a limit; the connection is closed.
    ProtocolError {
        /// Which rule.
        reason: String,
    },
    /// A subscription.
    Subscribed {
        /// Filter.
        filter: String,
        /// Granted QoS; none when the hub has nothing to say on it.
        granted: Option<u8>,
    },
    /// A subscription was given up.
    Unsubscribed {
        /// Filter.
        filter: String,
    },
    /// A message of a module.
    Message {
        /// Output, if it names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// Payload.
        #[serde(flatten)]
        body: Reading,
        /// Application properties.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        properties: BTreeMap<String, String>,
        /// System properties.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        system: BTreeMap<String, String>,
    },
    /// A message went to an endpoint.
    Routed {
        /// Name of the route.
        route: String,
        /// `$upstream` or `module/input`.
        to: String,
    },
    /// No route leads anywhere from here.
    NotRouted {
        /// Output, if the message names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// A message was put before an input.
    InputSent {
        /// Input.
        input: String,
        /// Payload.
        #[serde(flatten)]
        body: Reading,
    },
    /// The module acknowledged a message to an input.
    InputTaken {
        /// Input.
        input: String,
    },
    /// A message to an input was dropped.
    InputDropped {
        /// Input.
        input: String,
        /// Why.
        reason: String,
    },
    /// An answer, a change of desired properties or a call was dropped, because the module does not take what waits.
    ReplyDropped {
        /// Which of them: `twin answers`, `desired properties` or `direct methods`.
        family: String,
    },
    /// The twin was read.
    TwinRead {
        /// Whether the module subscribed to the answers.
        subscribed: bool,
    },
    /// Reported properties changed.
    Reported {
        /// The patch.
        patch: Value,
        /// Version after it.
        version: u64,
    },
    /// A patch of reported properties was refused.
    ReportedRefused {
        /// Why.
        reason: String,
    },
    /// Desired properties changed.
    DesiredChanged {
        /// The patch.
        patch: Value,
        /// Version after it.
        version: u64,
        /// Whether the module was told at once.
        sent: bool,
    },
    /// A direct method was called.
    MethodCalled {
        /// Name.
        method: String,
        /// Payload.
        payload: Value,
    },
    /// A direct method was answered.
    MethodAnswered {
        /// Name.
        method: String,
        /// Status.
        status: i64,
        /// Payload.
        #[serde(flatten)]
        body: Reading,
        /// Milliseconds since the call.
        after_ms: u64,
    },
    /// A direct method came to nothing.
    MethodFailed {
        /// Name.
        method: String,
        /// Why.
        reason: String,
    },
    /// An answer to no call, or one that came too late.
    MethodStray {
        /// Request id.
        rid: String,
    },
}

/// A payload as it can be read: its size, and its beginning as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Bytes of the payload.
    pub bytes: usize,
    /// It is JSON.
    pub json: bool,
    /// Its beginning, when it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Reading {
    /// Reads a payload.
    pub fn of(payload: &[u8]) -> Self {
        let text = std::str::from_utf8(payload).ok();
        Self {
            bytes: payload.len(),
            json: serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok(),
            text: text.map(excerpt),
        }
    }
}

/// A value as an event keeps it: whole when it is small, otherwise `$bytes` of its JSON text and the beginning of it as
/// `$text`. No property of a twin has such a name.
pub fn cut(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= JSON_BYTES_MAX {
        return value.clone();
    }
    json!({"$bytes": text.len(), "$text": excerpt(&text)})
}

/// Properties as an event keeps them: as many as fit, and how many bytes there are when that is not all.
pub fn cut_properties(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let size = |(name, value): (&String, &String)| name.len() + value.len();
    let all: usize = properties.iter().map(size).sum();
    if all <= JSON_BYTES_MAX {
        return properties.clone();
    }
    let mut left = JSON_BYTES_MAX;
    let mut kept = BTreeMap::new();
    for (name, value) in properties {
        if name.len() + value.len() <= left {
            left -= name.len() + value.len();
            kept.insert(name.clone(), value.clone());
        }
    }
    kept.insert("$bytes".to_owned(), all.to_string());
    kept
}

/// Whether events of a kind carry what a module says, as much and as often as it likes.
pub(super) fn carries_payload(kind: &str) -> bool {
    matches!(
        kind,
        "message" | "routed" | "not-routed" | "reported" | "reported-refused"
    ) || kind.starts_with("input-")
        || kind.starts_with("method-")
}

/// The beginning of a text.
pub fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS_MAX).collect()
}

impl Event {
    /// Name of the kind of event, as in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HubStarted => "hub-started",
            Self::HubStopped => "hub-stopped",
            Self::Workload { .. } => "workload",
            Self::WorkloadCrowded => "workload-crowded",
            Self::TlsAccepted { .. } => "tls-accepted",
            Self::TlsRefused { .. } => "tls-refused",
            Self::HubCrowded { .. } => "hub-crowded",
            Self::NameAsked { .. } => "name-asked",
            Self::AmqpAttempted { .. } => "amqp-attempted",
            Self::Connected { .. } => "connected",
            Self::ConnectRefused { .. } => "connect-refused",
            Self::Disconnected { .. } => "disconnected",
            Self::ProtocolError { .. } => "protocol-error",
            Self::Subscribed { .. } => "subscribed",
            Self::Unsubscribed { .. } => "unsubscribed",
            Self::Message { .. } => "message",
            Self::Routed { .. } => "routed",
            Self::NotRouted { .. } => "not-routed",
            Self::InputSent { .. } => "input-sent",
            Self::InputTaken { .. } => "input-taken",
            Self::InputDropped { .. } => "input-dropped",
            Self::ReplyDropped { .. } => "reply-dropped",
            Self::TwinRead { .. } => "twin-read",
            Self::Reported { .. } => "reported",
            Self::ReportedRefused { .. } => "reported-refused",
            Self::DesiredChanged { .. } => "desired-changed",
            Self::MethodCalled { .. } => "method-called",
            Self::MethodAnswered { .. } => "method-answered",
            Self::MethodFailed { .. } => "method-failed",
            Self::MethodStray { .. } => "method-stray",
        }
    }

    /// What the event is about, to tell topics of one kind apart.
    pub(super) fn about(&self) -> &str {
        match self {
            Self::Workload { operation, .. } => operation,
            Self::NameAsked { name } => name,
            Self::Message { output, .. } | Self::NotRouted { output } => {
                output.as_deref().unwrap_or_default()
            }
            Self::Routed { to, .. } => to,
            Self::InputSent { input, .. }
            | Self::InputTaken { input }
            | Self::InputDropped { input, .. } => input,
            Self::ReplyDropped { family } => family,
            Self::MethodCalled { method, .. }
            | Self::MethodAnswered { method, .. }
            | Self::MethodFailed { method, .. } => method,
            _ => "",
        }
    }
}
