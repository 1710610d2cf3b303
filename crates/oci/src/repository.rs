//! Repository names: the path of an image inside a registry, `publisher/offer/plan`.
//!
//! Grammar of distribution-spec "Pulling manifests": components
//! `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/`. Who may own which name is not decided here.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;
use crate::string_value::string_value;

/// The longest repository name, in bytes (distribution-spec: many clients stop at 255).
pub const REPOSITORY_NAME_BYTES_MAX: usize = 255;

/// Why a text is not a repository name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryNameError {
    /// Nothing was given.
    #[error("repository name is empty; write for example publisher/offer")]
    Empty,
    /// Over [`REPOSITORY_NAME_BYTES_MAX`].
    #[error("repository name may have {REPOSITORY_NAME_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A component breaks the grammar.
    #[error(
        "repository name '{name}': part '{component}' is not allowed; use lower-case letters and digits, joined inside by one '.', one or two '_', or '-'"
    )]
    Component {
        /// The whole name, shortened.
        name: String,
        /// The offending component, shortened; empty for a double, leading or trailing slash.
        component: String,
    },
}

/// A name that satisfies the distribution-spec grammar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(Box<str>);

impl RepositoryName {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between slashes; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

/// True when `text` is `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        let word = rest
            .iter()
            .take_while(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
            .count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        let separator = match rest {
            [] => return true,
            [b'_', b'_', ..] => 2,
            [b'_' | b'.', ..] => 1,
            [b'-', ..] => rest.iter().take_while(|byte| **byte == b'-').count(),
            _ => return false,
        };
        rest = &rest[separator..];
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, RepositoryNameError> {
        if text.is_empty() {
            return Err(RepositoryNameError::Empty);
        }
        if text.len() > REPOSITORY_NAME_BYTES_MAX {
            return Err(RepositoryNameError::TooLong { found: text.len() });
        }
        match text.split('/').find(|component| !is_component(component)) {
            None => Ok(Self(text.into())),
            Some(component) => Err(RepositoryNameError::Component {
                name: excerpt(text),
                component: excerpt(component),
            }),
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RepositoryName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

string_value!(RepositoryName);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn allowed() {
        for name in [
            "a",
            "0",
            "a/b",
            "a__b",
            "a--b",
            "a---b/c",
            "a.b_c-d",
            "x/y/z/1",
            "manifests",
            "a/blobs/uploads",
        ] {
            let parsed: RepositoryName = name.parse().unwrap();
            assert_eq!(parsed.as_str(), name);
            assert_eq!(parsed.components().collect::<Vec<_>>().join("/"), name);
        }
        assert!("a".repeat(255).parse::<RepositoryName>().is_ok());
    }

    #[test]
    fn refused() {
        for name in [
            "A", "a/", "/a", "a//b", ".", "..", "a/../b", "a..b", "a___b", "a_.b", "a._b", "a-_b",
            "_a", "a_", "-a", "a-", "a.", ".a", "a b", "a\0", "a%2fb", "a:b", "a@b", "a\\b", "é",
            "a\n",
        ] {
            assert!(
                matches!(
                    name.parse::<RepositoryName>(),
                    Err(RepositoryNameError::Component { .. })
                ),
                "{name}"
            );
        }
        assert_eq!(
            "".parse::<RepositoryName>(),
            Err(RepositoryNameError::Empty)
        );
        assert_eq!(
            "a".repeat(256).parse::<RepositoryName>(),
            Err(RepositoryNameError::TooLong { found: 256 })
        );
    }

    proptest! {
        #[test]
        fn generated_from_the_grammar(name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,3}(/[a-z0-9]{1,3}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}){0,3}") {
            prop_assert_eq!(name.parse::<RepositoryName>().unwrap().to_string(), name);
        }

        #[test]
        fn accepted_names_hold_only_safe_bytes(name in "[a-zA-Z0-9._/%-]{0,12}|\\PC{0,20}") {
            if let Ok(parsed) = name.parse::<RepositoryName>() {
                prop_assert!(parsed.as_str().bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/')));
                prop_assert!(!parsed.as_str().contains(".."));
                prop_assert!(!parsed.as_str().contains("//"));
            }
        }
    }
}
