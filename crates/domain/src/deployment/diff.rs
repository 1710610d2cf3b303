//! What differs between two deployments, by structure: the order of members does not count.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::create_options::escape;

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What happened there.
    pub kind: ChangeKind,
    /// The value afterwards; for what was removed, the value before.
    pub value: Value,
}

/// Kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only afterwards.
    Added,
    /// Only before.
    Removed,
    /// Another value.
    Changed,
}

/// The differences, in the order of `before`, additions last in each object. Arrays are compared as a whole.
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(before, after, "", &mut changes);
    changes
}

fn compare(before: &Value, after: &Value, pointer: &str, changes: &mut Vec<Change>) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        if before != after {
            changes.push(Change {
                pointer: pointer.to_owned(),
                kind: ChangeKind::Changed,
                value: after.clone(),
            });
        }
        return;
    };
    for (key, value) in old {
        let pointer = format!("{pointer}/{}", escape(key));
        match new.get(key) {
            Some(other) => compare(value, other, &pointer, changes),
            None => changes.push(Change {
                pointer,
                kind: ChangeKind::Removed,
                value: value.clone(),
            }),
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        changes.push(Change {
            pointer: format!("{pointer}/{}", escape(key)),
            kind: ChangeKind::Added,
            value: value.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_once_and_order_ignored() {
        let before = json!({"a": 1, "b": {"c/d": [1, 2], "e": null}, "f": 1});
        let after = json!({"f": 1, "b": {"e": null, "c/d": [2, 1], "g": {}}});
        let told: Vec<(String, ChangeKind)> = diff(&before, &after)
            .into_iter()
            .map(|change| (change.pointer, change.kind))
            .collect();
        assert_eq!(
            told,
            [
                ("/a".to_owned(), ChangeKind::Removed),
                ("/b/c~1d".to_owned(), ChangeKind::Changed),
                ("/b/g".to_owned(), ChangeKind::Added),
            ]
        );
        assert_eq!(diff(&after, &after), []);
    }
}
