//! A look over a JSON document before it is read into a type: depth, number of values, keys said twice, and keys that
//! only look like known ones.
//!
//! Two readers of one document must not see two things: Go's decoder takes the last of equal keys and matches field
//! names without regard to letter case, serde does neither. Documents where that matters are refused. Values are not
//! judged here.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The deepest nesting of objects and arrays in a manifest or configuration.
pub const JSON_DEPTH_MAX: usize = 64;

/// The most values (members and elements together) in a manifest or configuration.
pub const JSON_VALUES_MAX: usize = 200_000;

/// Why a document is refused before its content is read. The message tells line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON: {0}")]
pub struct JsonError(pub(crate) String);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Which keys of a document have a meaning, for the look-alike test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Keys that must be spelled exactly.
    pub(crate) keys: &'static [&'static str],
    /// Keys whose value must be an object (or null), tested in the same way.
    pub(crate) objects: &'static [&'static str],
    /// Keys whose value must be an array of objects (or null), tested in the same way.
    pub(crate) lists: &'static [&'static str],
}

/// What a value must be: serde would also read an array where an object is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Anything,
    Object,
    ListOfObjects,
}

impl Known {
    /// The known key that `key` is another spelling of.
    fn meant_by(self, key: &str) -> Option<&'static str> {
        if self.keys.contains(&key) {
            return None;
        }
        let folded = fold(key);
        self.keys
            .iter()
            .copied()
            .find(|known| known.to_ascii_lowercase() == folded)
    }

    /// What the value of `key` must be.
    fn shape_of(self, key: &str) -> Shape {
        if self.objects.contains(&key) {
            Shape::Object
        } else if self.lists.contains(&key) {
            Shape::ListOfObjects
        } else {
            Shape::Anything
        }
    }
}

/// Walks the whole document once; it must be an object.
pub(crate) fn check(bytes: &[u8], known: Known) -> Result<(), JsonError> {
    let mut values = 0;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Look {
        known: &known,
        shape: Shape::Object,
        depth: 0,
        values: &mut values,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(())
}

/// Go's fold of a field name: ASCII lower case, and the two other letters that Unicode folds onto ASCII.
fn fold(key: &str) -> String {
    key.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

struct Look<'a> {
    known: &'a Known,
    shape: Shape,
    depth: usize,
    values: &'a mut usize,
}

impl Look<'_> {
    fn below(&mut self, shape: Shape) -> Look<'_> {
        Look {
            known: self.known,
            shape,
            depth: self.depth + 1,
            values: self.values,
        }
    }

    fn scalar<E: serde::de::Error>(&self) -> Result<(), E> {
        match self.shape {
            Shape::Anything => Ok(()),
            Shape::Object => Err(E::custom("expected an object")),
            Shape::ListOfObjects => Err(E::custom("expected an array of objects")),
        }
    }

    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        *self.values += 1;
        if *self.values > JSON_VALUES_MAX {
            return Err(E::custom(format_args!(
                "more than {JSON_VALUES_MAX} values"
            )));
        }
        Ok(())
    }

    fn descend<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(E::custom(format_args!(
                "nested deeper than {JSON_DEPTH_MAX} levels"
            )));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if self.depth == 0 {
            self.scalar()
        } else {
            Ok(())
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.descend()?;
        let inner = match self.shape {
            Shape::Anything => Shape::Anything,
            Shape::ListOfObjects => Shape::Object,
            Shape::Object => return Err(A::Error::custom("expected an object, found an array")),
        };
        while elements.next_element_seed(self.below(inner))?.is_some() {
            self.count()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.descend()?;
        let known = (self.shape == Shape::Object).then_some(*self.known);
        if self.shape == Shape::ListOfObjects {
            return Err(A::Error::custom(
                "expected an array of objects, found an object",
            ));
        }
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            self.count()?;
            if let Some(meant) = known.and_then(|known| known.meant_by(&key)) {
                let key = crate::excerpt::excerpt(&key);
                return Err(A::Error::custom(format_args!(
                    "key '{key}' is written unlike '{meant}'; clients disagree on such keys"
                )));
            }
            let inner = known.map_or(Shape::Anything, |known| known.shape_of(&key));
            members.next_value_seed(self.below(inner))?;
            if let Some(key) = seen.replace(key) {
                let key = crate::excerpt::excerpt(&key);
                return Err(A::Error::custom(format_args!(
                    "key '{key}' appears twice in one object"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        keys: &["layers", "size", "config"],
        objects: &["config"],
        lists: &["layers"],
    };

    fn message(text: &str) -> String {
        check(text.as_bytes(), KNOWN).unwrap_err().to_string()
    }

    #[test]
    fn ordinary_documents_pass() {
        for text in [
            r#"{"layers":[{"size":1}],"annotations":{"Size":"x","SIZE":"y"}}"#,
            r#"{"x":[1.5,true,"x",{"Size":1}],"config":null}"#,
        ] {
            check(text.as_bytes(), KNOWN).unwrap();
        }
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        assert!(message(r#"{"layers":[],"layers":[{}]}"#).contains("'layers' appears twice"));
        assert!(message(r#"{"Layers":[]}"#).contains("'Layers' is written unlike 'layers'"));
        assert!(message(r#"{"layers":[{"ſize":1}]}"#).contains("unlike 'size'"));
        assert!(message(r#"{"a":{"b":1,"b":2}}"#).contains("'b' appears twice"));
        assert!(message("{} {}").contains("trailing"));
        assert!(message("{").contains("EOF"));
        assert!(message("[]").contains("expected an object"));
        assert!(message("null").contains("expected an object"));
        assert!(message(r#"{"config":["a"]}"#).contains("expected an object, found an array"));
        assert!(message(r#"{"layers":[["a"]]}"#).contains("expected an object, found an array"));
        assert!(message(r#"{"layers":{}}"#).contains("expected an array of objects"));
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        check(nested(JSON_DEPTH_MAX - 1).as_bytes(), KNOWN).unwrap();
        assert!(message(&nested(JSON_DEPTH_MAX)).contains("nested deeper"));
        assert!(message(&nested(100_000)).contains("nested deeper"));
        let many = format!("{{\"x\":[{}0]}}", "0,".repeat(JSON_VALUES_MAX));
        assert!(message(&many).contains("more than 200000 values"));
    }
}
