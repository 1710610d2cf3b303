//! `$body.path[0].name`: a member of a JSON body. The body must be called JSON and be a UTF-8 object; otherwise
//! nothing of it is defined. A member that it lacks is null, as on the device.

use super::value::Value;
use crate::message::Message;

/// The body of a message, read once for all conditions of all routes.
pub(super) enum Body {
    Json(serde_json::Value),
    /// Not called JSON, not UTF-8, or no object.
    Opaque,
}

#[cfg(test)]
thread_local! {
    /// How many bodies this thread has parsed.
    pub(super) static PARSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Body {
    pub(super) fn read(message: &Message) -> Self {
        let system = |name: &str| message.properties.system.get(name).map(String::as_str);
        let json =
            system("contentType").is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let utf8 = system("contentEncoding").is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
        if !json || !utf8 {
            return Self::Opaque;
        }
        #[cfg(test)]
        PARSED.set(PARSED.get() + 1);
        match serde_json::from_slice(&message.payload) {
            Ok(value @ serde_json::Value::Object(_)) => Self::Json(value),
            _ => Self::Opaque,
        }
    }

    /// The member at `path`, such as `a.b[0].c`.
    pub(super) fn member(&self, path: &str) -> Value {
        let Self::Json(root) = self else {
            return Value::Undefined;
        };
        let mut at = root;
        for step in path.split('.') {
            let (name, index) = match step.split_once('[') {
                Some((name, index)) => (name, Some(index.strip_suffix(']'))),
                None => (step, None),
            };
            let mut next = at.get(name);
            if let Some(index) = index {
                let Some(index) = index.and_then(|digits| digits.parse::<usize>().ok()) else {
                    return Value::Undefined;
                };
                next = next.and_then(|list| list.get(index));
            }
            match next {
                Some(found) => at = found,
                None => return Value::Null,
            }
        }
        match at {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => {
                number.as_f64().map_or(Value::Undefined, Value::number)
            }
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Object,
        }
    }
}
