//! Tags: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution-spec "Pulling manifests"). Which tags may move is not
//! decided here.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;
use crate::string_value::string_value;

/// The longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 128;

/// Why a text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Nothing was given.
    #[error("tag is empty; write for example 1.0.0")]
    Empty,
    /// Over [`TAG_BYTES_MAX`].
    #[error("tag may have {TAG_BYTES_MAX} characters, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A character is outside the grammar, or the first one is `.` or `-`.
    #[error(
        "tag '{found}' is not allowed; start with a letter, digit or '_' and use only letters, digits, '.', '_' and '-'"
    )]
    Characters {
        /// The text, shortened.
        found: String,
    },
}

/// A tag that satisfies the grammar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let first = *text.as_bytes().first().ok_or(TagError::Empty)?;
        if text.len() > TAG_BYTES_MAX {
            return Err(TagError::TooLong { found: text.len() });
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if matches!(first, b'.' | b'-') || !text.bytes().all(allowed) {
            return Err(TagError::Characters {
                found: excerpt(text),
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

string_value!(Tag);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_of_the_grammar() {
        for tag in ["latest", "_", "1.0.0-rc.1", "A-b_C.d", &"9".repeat(128)] {
            assert_eq!(tag.parse::<Tag>().unwrap().as_str(), tag);
        }
        for tag in [
            ".",
            "..",
            "-x",
            ".INVALID_MANIFEST_NAME",
            "a:b",
            "a/b",
            "a b",
            "a%20",
            "a\0",
            "ü",
            "sha256:00",
        ] {
            assert!(
                matches!(tag.parse::<Tag>(), Err(TagError::Characters { .. })),
                "{tag}"
            );
        }
        assert_eq!("".parse::<Tag>(), Err(TagError::Empty));
        assert_eq!(
            "9".repeat(129).parse::<Tag>(),
            Err(TagError::TooLong { found: 129 })
        );
    }

    proptest! {
        #[test]
        fn generated_from_the_grammar(tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert_eq!(tag.parse::<Tag>().unwrap().to_string(), tag);
        }

        #[test]
        fn any_text_is_refused_or_printed_back(text in "\\PC{0,140}") {
            if let Ok(tag) = text.parse::<Tag>() {
                prop_assert_eq!(tag.to_string(), text);
            }
        }
    }
}
