//! The topics that a module and its hub speak to each other on (edge-runtime fact sheet §1.5), read and written as
//! text. Ids stand in a topic as they are; names and values of properties are percent-encoded.
//!
//! Left out: the leaf device's topics, and who is connected ([`crate::hub`]).

mod family;
mod properties;

pub use family::Family;
pub use properties::{PROPERTIES_MAX, Properties, PropertiesError};

/// Bytes of the request id of a module.
pub const REQUEST_ID_BYTES_MAX: usize = 256;
/// Bytes of an input's name.
pub const INPUT_BYTES_MAX: usize = 256;

/// What a module says, by the topic it publishes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromModule<'t> {
    /// A message, to an output when its properties name one.
    Message(Properties),
    /// Asks for the twin.
    TwinGet {
        /// Request id, the module's own.
        rid: &'t str,
    },
    /// Patches reported properties.
    Reported {
        /// Request id, the module's own.
        rid: &'t str,
    },
    /// Answers a direct method.
    MethodAnswer {
        /// Status, any integer.
        status: i64,
        /// Request id of the call.
        rid: &'t str,
    },
}

/// Why a topic is none that a module may publish to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Another identity's topic.
    #[error("topic {topic:?} belongs to another identity; this connection is {device}/{module}")]
    OtherIdentity {
        /// The topic.
        topic: String,
        /// Device of the connection.
        device: String,
        /// Module of the connection.
        module: String,
    },
    /// No topic of an edge hub.
    #[error("a module does not publish to {0:?}; see the topics of an edge hub")]
    Unknown(String),
    /// A request without `$rid`.
    #[error("{0:?} has no $rid; a request names its id as ?$rid=…")]
    NoRequestId(String),
    /// A `$rid` that is too long to be sent back.
    #[error("{topic:?} has a $rid of {found} bytes; at most {REQUEST_ID_BYTES_MAX} are taken")]
    RequestId {
        /// The topic.
        topic: String,
        /// Bytes.
        found: usize,
    },
    /// A status that is no integer.
    #[error("{0:?} answers a method with a status that is no integer")]
    Status(String),
    /// Properties that break a rule.
    #[error("{topic:?}: {problem}")]
    Properties {
        /// The topic.
        topic: String,
        /// What is wrong.
        problem: PropertiesError,
    },
}

/// Reads the topic of a PUBLISH from `{device}/{module}`.
///
/// # Errors
/// It is another identity's topic, or none at all.
pub fn from_module<'t>(
    topic: &'t str,
    device: &str,
    module: &str,
) -> Result<FromModule<'t>, TopicError> {
    if let Some(rest) = topic.strip_prefix("devices/") {
        return message(topic, rest, device, module);
    }
    if let Some(query) = topic.strip_prefix("$iothub/twin/GET/") {
        return Ok(FromModule::TwinGet {
            rid: rid(topic, query)?,
        });
    }
    if let Some(query) = topic.strip_prefix("$iothub/twin/PATCH/properties/reported/") {
        return Ok(FromModule::Reported {
            rid: rid(topic, query)?,
        });
    }
    if let Some(rest) = topic.strip_prefix("$iothub/methods/res/") {
        let (status, query) = rest.split_once('/').unwrap_or((rest, ""));
        let status = status
            .parse()
            .map_err(|_| TopicError::Status(short(topic)))?;
        return Ok(FromModule::MethodAnswer {
            status,
            rid: rid(topic, query)?,
        });
    }
    Err(TopicError::Unknown(short(topic)))
}

/// `devices/D/modules/M/messages/events`, with or without properties and slashes, as the hub's own templates take it.
fn message<'t>(
    topic: &'t str,
    rest: &'t str,
    device: &str,
    module: &str,
) -> Result<FromModule<'t>, TopicError> {
    let mut parts = rest.splitn(4, '/');
    let (named_device, modules, named_module) = (parts.next(), parts.next(), parts.next());
    let tail = parts.next().unwrap_or_default();
    let (Some(named_device), Some("modules"), Some(named_module)) =
        (named_device, modules, named_module)
    else {
        return Err(TopicError::Unknown(short(topic)));
    };
    if named_device != device || named_module != module {
        return Err(TopicError::OtherIdentity {
            topic: short(topic),
            device: device.to_owned(),
            module: module.to_owned(),
        });
    }
    let text = match tail.strip_prefix("messages/events") {
        Some("") => "",
        Some(after) => after
            .strip_prefix('/')
            .ok_or_else(|| TopicError::Unknown(short(topic)))?,
        None => return Err(TopicError::Unknown(short(topic))),
    };
    let text = text.strip_suffix('/').unwrap_or(text);
    let properties = Properties::parse(text).map_err(|problem| TopicError::Properties {
        topic: short(topic),
        problem,
    })?;
    Ok(FromModule::Message(properties))
}

/// The value of `$rid` in `?$rid=…&…`.
fn rid<'t>(topic: &str, query: &'t str) -> Result<&'t str, TopicError> {
    let rid = query
        .strip_prefix('?')
        .unwrap_or(query)
        .split('&')
        .find_map(|pair| pair.strip_prefix("$rid="))
        .filter(|rid| !rid.is_empty())
        .ok_or_else(|| TopicError::NoRequestId(short(topic)))?;
    if rid.len() > REQUEST_ID_BYTES_MAX {
        return Err(TopicError::RequestId {
            topic: short(topic),
            found: rid.len(),
        });
    }
    Ok(rid)
}

/// Whether a topic can name an input so: one level of it, without wildcards and control characters, and not too long.
pub fn is_input(name: &str) -> bool {
    (1..=INPUT_BYTES_MAX).contains(&name.len())
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '+' | '#' | '/'))
}

/// The topic of a message to an input; the trailing slash is needed, Node drops the message without it.
pub fn input(device: &str, module: &str, name: &str, properties: &Properties) -> String {
    format!("devices/{device}/modules/{module}/inputs/{name}/{properties}")
}

/// The answer to a request about the twin.
pub fn twin_answer(status: u16, rid: &str, version: Option<u64>) -> String {
    match version {
        Some(version) => format!("$iothub/twin/res/{status}/?$rid={rid}&$version={version}"),
        None => format!("$iothub/twin/res/{status}/?$rid={rid}"),
    }
}

/// A change of desired properties.
pub fn desired(version: u64) -> String {
    format!("$iothub/twin/PATCH/properties/desired/?$version={version}")
}

/// A call of a direct method; the name is percent-encoded, because it may hold a slash.
pub fn method(name: &str, rid: &str) -> String {
    format!(
        "$iothub/methods/POST/{}/?$rid={rid}",
        properties::encoded(name)
    )
}

/// A topic short enough for a message to people.
fn short(topic: &str) -> String {
    topic.chars().take(160).collect()
}

#[cfg(test)]
mod tests;
