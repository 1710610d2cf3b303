//! Properties of a message, as they travel in its topic: `key=value&…`, percent-encoded, system properties with `$.`.
//!
//! System properties are kept under the names that routes use (`$contentType`), and written back under the short
//! names of the wire (`$.ct`).

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Properties on one message.
pub const PROPERTIES_MAX: usize = 128;

/// Everything but unreserved characters; a blank is `%20`, never `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Wire name and route name of each system property.
const SYSTEM: [(&str, &str); 16] = [
    ("$.mid", "messageId"),
    ("$.cid", "cid"),
    ("$.uid", "userId"),
    ("$.to", "to"),
    ("$.on", "outputName"),
    ("$.ct", "contentType"),
    ("$.ce", "contentEncoding"),
    ("$.exp", "absolute-expiry-time"),
    ("$.schema", "messageSchema"),
    ("$.ctime", "creationTime"),
    ("$.ifid", "interfaceId"),
    ("$.sub", "componentName"),
    ("$.cdid", "connectionDeviceId"),
    ("$.cmid", "connectionModuleId"),
    ("iothub-operation", "operation"),
    ("iothub-ack", "ack"),
];

/// Properties of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Set by the sender's application.
    pub application: BTreeMap<String, String>,
    /// Known to the hub, by the name that routes use.
    pub system: BTreeMap<String, String>,
}

/// Why a text is no properties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertiesError {
    /// Too many.
    #[error("{found} properties; a message has at most {PROPERTIES_MAX}")]
    Count {
        /// How many.
        found: usize,
    },
    /// Not UTF-8 once decoded.
    #[error("property {0:?} is not UTF-8 once percent-decoded")]
    Text(String),
}

impl Properties {
    /// Reads `key=value&…`. A key without `=` has an empty value; of a key that comes twice, the last value counts.
    ///
    /// # Errors
    /// Too many properties, or one that is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, PropertiesError> {
        let text = text.strip_prefix('?').unwrap_or(text);
        let mut properties = Self::default();
        let found = text.split('&').filter(|pair| !pair.is_empty()).count();
        if found > PROPERTIES_MAX {
            return Err(PropertiesError::Count { found });
        }
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            properties.set(decoded(key)?, decoded(value)?);
        }
        Ok(properties)
    }

    /// Sets a property by its name on the wire.
    fn set(&mut self, key: String, value: String) {
        let known = SYSTEM.iter().find(|(wire, _)| *wire == key);
        if let Some((_, name)) = known {
            self.system.insert((*name).to_owned(), value);
        } else {
            self.application.insert(key, value);
        }
    }

    /// The output the message is sent to.
    pub fn output(&self) -> Option<&str> {
        self.system.get("outputName").map(String::as_str)
    }

    /// Bytes of all names and values, as they count towards the size of a message.
    pub fn bytes(&self) -> usize {
        let both = self.application.iter().chain(&self.system);
        both.map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Sets a system property by the name that routes use.
    #[must_use]
    pub fn with_system(mut self, name: &str, value: &str) -> Self {
        self.system.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets an application property.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.application.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// As in a topic: system properties first, both in order of names.
impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = self.system.iter().map(|(name, value)| {
            let known = SYSTEM.iter().find(|(_, route)| route == name);
            (known.map_or(name.as_str(), |(wire, _)| *wire), value)
        });
        let application = self
            .application
            .iter()
            .map(|(key, value)| (key.as_str(), value));
        for (index, (key, value)) in system.chain(application).enumerate() {
            let join = if index == 0 { "" } else { "&" };
            write!(f, "{join}{}={}", encoded(key), encoded(value))?;
        }
        Ok(())
    }
}

/// Percent-encoded for a topic.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn decoded(text: &str) -> Result<String, PropertiesError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| PropertiesError::Text(text.chars().take(80).collect()))?;
    Ok(decoded.into_owned())
}
