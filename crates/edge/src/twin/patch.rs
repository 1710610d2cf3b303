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

/// The patch that makes one section out of another: `null` for what goes, objects only where they differ.
pub fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in after {
        match (before.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(key.clone(), difference(old, new).into());
            }
            (_, new) => {
                patch.insert(key.clone(), new.clone());
            }
        }
    }
    patch
}
