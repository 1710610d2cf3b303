//! The limits an edge hub puts on a section of a twin. Unlike the classic offer form, it takes arrays.

use domain::twin::{INTEGER_MAX, INTEGER_MIN, KEY_BYTES_MAX, STRING_BYTES_MAX};
use serde_json::{Map, Value};

/// Levels of nesting; a property of the section itself is on level 1.
pub const DEPTH_MAX: usize = 10;
/// Bytes of a section, as compact JSON.
pub const DOCUMENT_BYTES_MAX: usize = 32 * 1024;

/// Which limit a section breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Nested too deeply.
    #[error(
        "{place} is on level {DEPTH_MAX} and holds more; a twin nests at most {DEPTH_MAX} levels"
    )]
    Depth {
        /// JSON pointer.
        place: String,
    },
    /// A name that is empty, too long, or holds what no name may.
    #[error(
        "the name of {place} is no property name: 1 to {KEY_BYTES_MAX} bytes, no control character, `.`, `$`, `#` or blank"
    )]
    Name {
        /// JSON pointer.
        place: String,
    },
    /// A string that is too long.
    #[error("{place} has {found} bytes; a string has at most {STRING_BYTES_MAX}")]
    Text {
        /// JSON pointer.
        place: String,
        /// Bytes.
        found: usize,
    },
    /// An integer out of range.
    #[error("{place} is an integer outside {INTEGER_MIN} to {INTEGER_MAX}; report it as a string")]
    Integer {
        /// JSON pointer.
        place: String,
    },
    /// A null inside an array.
    #[error("{place} is null inside an array; leave it out")]
    NullInArray {
        /// JSON pointer.
        place: String,
    },
    /// The whole section is too large.
    #[error("the section has {found} bytes; it has at most {DOCUMENT_BYTES_MAX}")]
    Document {
        /// Bytes.
        found: usize,
    },
}

/// Checks names, values and nesting of a section or of a patch.
pub(super) fn check(section: &Map<String, Value>) -> Result<(), LimitError> {
    members(section, &mut String::new(), 1)
}

/// Checks the size of a whole section.
pub(super) fn check_size(section: &Map<String, Value>) -> Result<(), LimitError> {
    let found = serde_json::to_string(section).map_or(usize::MAX, |text| text.len());
    if found > DOCUMENT_BYTES_MAX {
        return Err(LimitError::Document { found });
    }
    Ok(())
}

fn members(
    section: &Map<String, Value>,
    place: &mut String,
    depth: usize,
) -> Result<(), LimitError> {
    if depth > DEPTH_MAX && !section.is_empty() {
        return Err(LimitError::Depth {
            place: shown(place),
        });
    }
    for (key, value) in section {
        let length = place.len();
        place.push('/');
        place.push_str(key);
        if !is_name(key) {
            return Err(LimitError::Name {
                place: shown(place),
            });
        }
        self::value(value, place, depth, false)?;
        place.truncate(length);
    }
    Ok(())
}

fn value(
    value: &Value,
    place: &mut String,
    depth: usize,
    in_array: bool,
) -> Result<(), LimitError> {
    match value {
        Value::Null if in_array => Err(LimitError::NullInArray {
            place: shown(place),
        }),
        Value::String(text) if text.len() > STRING_BYTES_MAX => Err(LimitError::Text {
            place: shown(place),
            found: text.len(),
        }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if (INTEGER_MIN..=INTEGER_MAX).contains(&integer) => Ok(()),
            None if number.is_f64() => Ok(()),
            _ => Err(LimitError::Integer {
                place: shown(place),
            }),
        },
        Value::Object(inner) => members(inner, place, depth + 1),
        Value::Array(items) => {
            if depth >= DEPTH_MAX && items.iter().any(|item| item.is_array() || item.is_object()) {
                return Err(LimitError::Depth {
                    place: shown(place),
                });
            }
            for (index, item) in items.iter().enumerate() {
                let length = place.len();
                place.push_str(&format!("/{index}"));
                self::value(item, place, depth + 1, true)?;
                place.truncate(length);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_name(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= KEY_BYTES_MAX
        && !key
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '.' | '$' | '#'))
}

fn shown(place: &str) -> String {
    place.chars().take(200).collect()
}
