//! JSON merge patch (RFC 7396) on a section of a twin: objects merge, null removes, anything else replaces.

use serde_json::{Map, Value};

/// Merges `patch` into `section`.
pub fn merge(section: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, change) in patch {
        match change {
            Value::Null => {
                section.remove(key);
            }
            Value::Object(inner) => {
                let slot = section
                    .entry(key.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(under) = slot {
                    merge(under, inner);
                }
            }
            other => {
                section.insert(key.clone(), other.clone());
            }
        }
    }
}
