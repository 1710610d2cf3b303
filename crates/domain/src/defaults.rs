//! The default configuration of a plan, as its publisher writes it: routes, desired properties of the module
//! twin, environment variables and createOptions, in the order given.
//!
//! The rules on it are in [`check`]; filling it in is [`crate::placeholder`]; turning it into a deployment is
//! [`crate::deployment`]. Left out: image, tags and price, which belong to the plan.

mod check;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use check::{ENTRIES_CLASSIC, MODULE_NAME_CHARS_MAX, TEXT_BYTES_CLASSIC, check_defaults};

/// A named text: a route or an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NamedText {
    /// The route's or the variable's name.
    pub name: String,
    /// The route itself, or the variable's value.
    pub value: String,
}

/// A named JSON value: one desired property of the module twin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NamedJson {
    /// The property's name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// The default configuration of a plan (the historic offer form, domain fact sheet §4.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// The name the module gets unless the customer chooses another; routes refer to it.
    pub module_name: String,
    /// Routes of the edge hub.
    pub routes: Vec<NamedText>,
    /// Desired properties of the module twin.
    pub twin: Vec<NamedJson>,
    /// Environment variables.
    pub env: Vec<NamedText>,
    /// Body of Docker's ContainerCreate as JSON text; the empty text means `{}`.
    #[serde(deserialize_with = "text_or_object")]
    pub create_options: String,
}

impl Defaults {
    /// The createOptions as JSON text, with the empty text read as `{}`.
    pub fn create_options_text(&self) -> &str {
        if self.create_options.trim().is_empty() {
            "{}"
        } else {
            &self.create_options
        }
    }
}

impl NamedText {
    /// A named text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl NamedJson {
    /// A named JSON value.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }
}

/// Publishers write createOptions as a JSON text or as the object itself; an object is kept as compact text.
fn text_or_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        object @ Value::Object(_) => Ok(object.to_string()),
        other => Err(serde::de::Error::custom(format!(
            "create_options: a JSON object or a text holding one is wanted, found {}",
            kind_of(&other)
        ))),
    }
}

/// The JSON kind of a value, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn create_options_come_as_text_or_as_an_object() {
        let object = json!({"module_name": "M", "create_options": {"HostConfig": {"Memory": 1}}});
        let read: Defaults = serde_json::from_value(object).expect("object form");
        assert_eq!(read.create_options, r#"{"HostConfig":{"Memory":1}}"#);
        let text = json!({"module_name": "M", "create_options": "{ }"});
        let read: Defaults = serde_json::from_value(text).expect("text form");
        assert_eq!(read.create_options, "{ }");
        let missing: Defaults = serde_json::from_value(json!({})).expect("all optional");
        assert_eq!(missing.create_options_text(), "{}");
    }

    #[test]
    fn create_options_of_another_kind_are_refused() {
        let problem = serde_json::from_value::<Defaults>(json!({"create_options": [1]}))
            .expect_err("an array");
        assert!(problem.to_string().contains("an array"), "{problem}");
    }

    #[test]
    fn defaults_round_trip() {
        let defaults = Defaults {
            module_name: "Filter".into(),
            routes: vec![NamedText::new("a", "FROM /messages/* INTO $upstream")],
            twin: vec![NamedJson::new("Rate", json!({"every": 5}))],
            env: vec![NamedText::new("ACCEPT_EULA", "Y")],
            create_options: "{}".into(),
        };
        let text = serde_json::to_string(&defaults).expect("writes");
        assert_eq!(
            serde_json::from_str::<Defaults>(&text).expect("reads"),
            defaults
        );
    }
}
