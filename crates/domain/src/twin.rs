//! Rules on the desired properties of a module twin.
//!
//! The hub's limits refuse; the narrower ones of the historic offer form only warn, because real modules live
//! beyond them (domain fact sheet §4.3, §12.7). Left out: reported properties and tags.

use serde_json::{Map, Value};

use crate::create_options::escape;
use crate::violation::Violation;

/// Bytes of a desired-properties section, counted as [`size_bytes`] does.
pub const DESIRED_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a string.
pub const STRING_BYTES_MAX: usize = 4096;
/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 1024;
/// Levels of nesting; a property of the section itself is on level 1.
pub const DEPTH_MAX: usize = 10;
/// Levels of nesting that the historic offer form allowed.
pub const DEPTH_CLASSIC: usize = 4;
/// Largest integer, 2^52 − 1, as the edge hub checks it.
pub const INTEGER_MAX: i64 = 4_503_599_627_370_495;
/// Smallest integer, −2^52.
pub const INTEGER_MIN: i64 = -4_503_599_627_370_496;

/// What is wrong with a desired property or something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinProblem {
    /// Where, as a JSON pointer from the value checked.
    pub pointer: String,
    /// The hub's limit.
    pub limit: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub fix: &'static str,
    /// Which limit.
    pub kind: TwinProblemKind,
}

/// Limits of a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TwinProblemKind {
    /// Arrays are not allowed.
    Array,
    /// Nested too deeply.
    Depth,
    /// A key with forbidden characters, empty, or too long.
    Key,
    /// A string that is too long.
    StringLength,
    /// An integer out of range.
    Integer,
    /// A null removes a property instead of setting it.
    Null,
}

/// Problems of a desired-properties section, in document order.
pub fn check_section(section: &Map<String, Value>) -> Vec<TwinProblem> {
    let mut found = Vec::new();
    check_members(section, "", 1, &mut found);
    found
}

/// Size of a value as the hub counts it: keys and strings in UTF-8 without control characters, numbers eight bytes,
/// booleans four.
pub fn size_bytes(value: &Value) -> usize {
    let text = |text: &str| -> usize {
        text.chars()
            .filter(|c| !c.is_control())
            .map(char::len_utf8)
            .sum()
    };
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(string) => text(string),
        Value::Array(items) => items.iter().map(size_bytes).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| text(key) + size_bytes(value))
            .sum(),
    }
}

/// Whether a key may stand in a twin: not empty, no control character, `.`, `$`, `#` or blank.
pub fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= KEY_BYTES_MAX
        && !key
            .chars()
            .any(|c| c.is_control() || matches!(c, '.' | '$' | '#' | ' '))
}

/// Violations of one named desired property of a plan's defaults.
pub(crate) fn check_property(name: &str, value: &Value) -> Vec<Violation> {
    let section: Map<String, Value> = std::iter::once((name.to_owned(), value.clone())).collect();
    let field = format!("twin.{name}");
    let mut violations: Vec<Violation> = check_section(&section)
        .into_iter()
        .map(|problem| {
            let place = problem
                .pointer
                .replacen(&format!("/{}", escape(name)), &field, 1);
            // Arrays are in real catalogues and some hubs take them; the form still says no.
            Violation::error(place, problem.limit, problem.found, problem.fix)
        })
        .collect();
    let depth = depth_of(value);
    if depth > DEPTH_CLASSIC && depth < DEPTH_MAX {
        violations.push(Violation::warning(
            field,
            format!("the classic offer form allows {DEPTH_CLASSIC} levels of nesting"),
            format!("{depth} levels"),
            "flatten the value if older tools must take it",
        ));
    }
    violations
}

/// Levels of objects in a value; a plain value has none.
fn depth_of(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

fn check_members(
    members: &Map<String, Value>,
    pointer: &str,
    depth: usize,
    found: &mut Vec<TwinProblem>,
) {
    for (key, value) in members {
        let pointer = format!("{pointer}/{}", escape(key));
        if !is_key(key) {
            found.push(TwinProblem {
                pointer: pointer.clone(),
                limit: format!(
                    "a key has 1 to {KEY_BYTES_MAX} bytes and no control character, `.`, `$`, `#` or blank"
                ),
                found: shown(key),
                fix: "rename the property",
                kind: TwinProblemKind::Key,
            });
        }
        if depth > DEPTH_MAX {
            found.push(TwinProblem {
                pointer,
                limit: format!("at most {DEPTH_MAX} levels of nesting"),
                found: format!("level {depth}"),
                fix: "flatten the value, or keep it as a JSON string",
                kind: TwinProblemKind::Depth,
            });
        } else {
            check_value(value, &pointer, depth, found);
        }
    }
}

fn check_value(value: &Value, pointer: &str, depth: usize, found: &mut Vec<TwinProblem>) {
    let mut problem = |kind, limit: String, what: String, fix| {
        found.push(TwinProblem {
            pointer: pointer.to_owned(),
            limit,
            found: what,
            fix,
            kind,
        });
    };
    match value {
        Value::Array(items) => problem(
            TwinProblemKind::Array,
            "a twin holds no arrays".into(),
            format!("an array of {}", items.len()),
            "use an object with numbered keys, or keep it as a JSON string",
        ),
        Value::String(text) if text.len() > STRING_BYTES_MAX => problem(
            TwinProblemKind::StringLength,
            format!("a string has at most {STRING_BYTES_MAX} bytes"),
            format!("{} bytes", text.len()),
            "shorten it or split it into several properties",
        ),
        Value::Number(number) if out_of_range(number) => problem(
            TwinProblemKind::Integer,
            format!("an integer lies within {INTEGER_MIN} and {INTEGER_MAX}"),
            number.to_string(),
            "keep it as a string",
        ),
        Value::Null => problem(
            TwinProblemKind::Null,
            "a null removes a property, it does not set one".into(),
            "null".into(),
            "leave the property out, or give it a value",
        ),
        Value::Object(members) => check_members(members, pointer, depth + 1, found),
        _ => {}
    }
}

fn out_of_range(number: &serde_json::Number) -> bool {
    match number.as_i64() {
        Some(integer) => !(INTEGER_MIN..=INTEGER_MAX).contains(&integer),
        None => number.is_u64(),
    }
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(value: Value) -> Vec<TwinProblemKind> {
        let section = json!({"a": value});
        check_section(section.as_object().expect("object"))
            .into_iter()
            .map(|problem| problem.kind)
            .collect()
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |value, _| json!({"n": value}))
    }

    #[test]
    fn each_limit_of_the_hub() {
        assert_eq!(kinds(json!([1])), [TwinProblemKind::Array]);
        assert_eq!(kinds(json!(null)), [TwinProblemKind::Null]);
        assert_eq!(kinds(json!(INTEGER_MAX)), []);
        assert_eq!(
            kinds(json!(4_503_599_627_370_496_i64)),
            [TwinProblemKind::Integer]
        );
        assert_eq!(kinds(json!(-4_503_599_627_370_496_i64)), []);
        assert_eq!(
            kinds(json!(-4_503_599_627_370_497_i64)),
            [TwinProblemKind::Integer]
        );
        assert_eq!(kinds(json!(u64::MAX)), [TwinProblemKind::Integer]);
        assert_eq!(kinds(json!(1e300)), []);
        assert_eq!(kinds(json!("x".repeat(STRING_BYTES_MAX))), []);
        assert_eq!(
            kinds(json!("x".repeat(STRING_BYTES_MAX + 1))),
            [TwinProblemKind::StringLength]
        );
        for key in ["", "a.b", "$a", "a b", "a\u{7}", "a#b"] {
            assert_eq!(kinds(json!({key: 1})), [TwinProblemKind::Key], "{key:?}");
        }
        assert_eq!(kinds(nested(DEPTH_MAX - 1)), []);
        assert_eq!(kinds(nested(DEPTH_MAX)), [TwinProblemKind::Depth]);
    }

    #[test]
    fn the_classic_depth_only_warns() {
        assert!(check_property("a", &nested(DEPTH_CLASSIC)).is_empty());
        let warned = check_property("a", &nested(DEPTH_CLASSIC + 1));
        assert!(warned.len() == 1 && !warned[0].is_error());
        let refused = check_property("a", &json!({"b": {"c.d": 1}}));
        assert_eq!(refused[0].field, "twin.a/b/c.d");
    }

    #[test]
    fn size_counts_as_the_hub_does() {
        assert_eq!(
            size_bytes(&json!({"ab": "ü\n", "c": 1, "d": {"e": true}})),
            2 + 2 + 1 + 8 + 1 + 1 + 4
        );
    }
}
