//! Token scopes: `repository:publisher/offer:pull,push`, several joined by spaces (the distribution project's token
//! scope grammar), and the access entries a token carries.
//!
//! Names may hold one colon of their own (`host:5000/name`), so a scope is split from both ends. What a caller is
//! granted is decided elsewhere; granting less than asked is not an error.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;
use crate::operation::Action;
use crate::repository::{REPOSITORY_NAME_BYTES_MAX, RepositoryName};

/// The longest scope text, in bytes.
pub const SCOPE_BYTES_MAX: usize = 8 * 1024;

/// The most access entries in one scope.
pub const ACCESS_ENTRIES_MAX: usize = 32;

/// The most actions in one access entry.
pub const ACTIONS_MAX: usize = 8;

/// The longest resource name, in bytes: a host with a port and a repository name.
pub const RESOURCE_NAME_BYTES_MAX: usize = REPOSITORY_NAME_BYTES_MAX + 260;

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Over [`SCOPE_BYTES_MAX`].
    #[error("scope may have {SCOPE_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Over [`ACCESS_ENTRIES_MAX`].
    #[error("scope may have {ACCESS_ENTRIES_MAX} entries, found more")]
    TooManyEntries,
    /// Not `type:name:actions`.
    #[error(
        "scope '{found}' must be type:name:actions, for example repository:publisher/offer:pull"
    )]
    Shape {
        /// The entry, shortened.
        found: String,
    },
    /// The type.
    #[error(
        "scope '{found}' has a type that is not lower-case letters and digits; use repository or registry"
    )]
    Kind {
        /// The entry, shortened.
        found: String,
    },
    /// The name.
    #[error(
        "scope '{found}' has a name that is not [host:port/]name of at most {RESOURCE_NAME_BYTES_MAX} bytes"
    )]
    Name {
        /// The entry, shortened.
        found: String,
    },
    /// The actions.
    #[error(
        "scope '{found}' must end in 1 to {ACTIONS_MAX} actions of lower-case letters or '*', joined by commas"
    )]
    Actions {
        /// The entry, shortened.
        found: String,
    },
}

/// What is asked for or granted on one resource. The JSON form is that of the `access` claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccessEntry {
    /// `repository`, `registry`, or another type that grants nothing here.
    #[serde(rename = "type")]
    pub kind: String,
    /// The resource, for example a repository name, or `catalog`.
    pub name: String,
    /// `pull`, `push`, `delete`, `*` or others that grant nothing here; in order, each once.
    pub actions: Vec<String>,
}

impl AccessEntry {
    /// Access to a repository of this registry.
    #[must_use]
    pub fn repository(name: &RepositoryName, actions: &[Action]) -> Self {
        let actions = actions
            .iter()
            .map(|action| action.as_str().to_owned())
            .collect();
        Self {
            kind: "repository".to_owned(),
            name: name.to_string(),
            actions,
        }
    }

    /// Access to the list of repositories, `registry:catalog:*`.
    #[must_use]
    pub fn catalog() -> Self {
        Self {
            kind: "registry".to_owned(),
            name: "catalog".to_owned(),
            actions: vec!["*".to_owned()],
        }
    }

    /// The repository of this registry that the entry is about; `None` for other types and for names with a host.
    #[must_use]
    pub fn repository_name(&self) -> Option<RepositoryName> {
        (self.kind == "repository")
            .then(|| self.name.parse().ok())
            .flatten()
    }

    /// Whether the entry names `action` or `*`.
    #[must_use]
    pub fn allows(&self, action: Action) -> bool {
        let about = match action {
            Action::Catalog => self.kind == "registry" && self.name == "catalog",
            Action::Pull | Action::Push | Action::Delete => self.kind == "repository",
        };
        about
            && self.actions.iter().any(|named| {
                named == "*" || (action != Action::Catalog && named == action.as_str())
            })
    }
}

impl FromStr for AccessEntry {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let found = || excerpt(text);
        let shape = || ScopeError::Shape { found: found() };
        let (kind, rest) = text.split_once(':').ok_or_else(shape)?;
        let (name, list) = rest.rsplit_once(':').ok_or_else(shape)?;
        // `repository(plugin)` is the one use of a class in the wild.
        let word = kind
            .strip_suffix(')')
            .and_then(|kind| kind.split_once('('))
            .map_or((kind, "x"), |parts| parts);
        let is_word = |text: &str| {
            !text.is_empty()
                && text.len() <= 32
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
        };
        if !is_word(word.0) || !is_word(word.1) {
            return Err(ScopeError::Kind { found: found() });
        }
        if !is_resource_name(name) {
            return Err(ScopeError::Name { found: found() });
        }
        let mut actions: Vec<String> = Vec::new();
        for action in list.split(',') {
            let known = action == "*"
                || (is_word(action) && !action.starts_with(|c: char| c.is_ascii_digit()));
            if !known || actions.len() == ACTIONS_MAX {
                return Err(ScopeError::Actions { found: found() });
            }
            if !actions.iter().any(|earlier| earlier == action) {
                actions.push(action.to_owned());
            }
        }
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }
}

/// `[host[:port]/]name`: at most one colon, and that one in front of a port.
fn is_resource_name(name: &str) -> bool {
    if name.is_empty() || name.len() > RESOURCE_NAME_BYTES_MAX {
        return false;
    }
    let (host, path) = match name.split_once(':') {
        None => return name.split('/').all(is_part),
        Some((host, rest)) => match rest.split_once('/') {
            Some((port, path))
                if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                (host, path)
            }
            _ => return false,
        },
    };
    is_part(host) && path.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl fmt::Display for AccessEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

/// The value of one `scope` parameter: entries joined by spaces; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(pub Vec<AccessEntry>);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text.len() > SCOPE_BYTES_MAX {
            return Err(ScopeError::TooLong { found: text.len() });
        }
        let mut entries = Vec::new();
        for entry in text.split(' ').filter(|entry| !entry.is_empty()) {
            if entries.len() == ACCESS_ENTRIES_MAX {
                return Err(ScopeError::TooManyEntries);
            }
            entries.push(entry.parse()?);
        }
        Ok(Self(entries))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text, and the error it must give.
    type Case<'a> = (&'a str, fn(&ScopeError) -> bool);

    #[test]
    fn split_from_both_ends() {
        let entry: AccessEntry = "repository:host:5000/a/b:pull,push,pull".parse().unwrap();
        assert_eq!(
            (entry.name.as_str(), entry.actions.join(",").as_str()),
            ("host:5000/a/b", "pull,push")
        );
        assert_eq!(entry.repository_name(), None);
        let entry: AccessEntry = "repository:a/b:pull".parse().unwrap();
        assert_eq!(entry.repository_name().unwrap().as_str(), "a/b");
        assert!(
            entry.allows(Action::Pull)
                && !entry.allows(Action::Push)
                && !entry.allows(Action::Catalog)
        );
        let catalog: AccessEntry = "registry:catalog:*".parse().unwrap();
        assert_eq!(catalog, AccessEntry::catalog());
        assert!(catalog.allows(Action::Catalog) && !catalog.allows(Action::Pull));
        assert!("repository(plugin):a:pull".parse::<AccessEntry>().is_ok());
        let search: AccessEntry = "registry:catalog:search".parse().unwrap();
        assert!(!search.allows(Action::Catalog));
        let written =
            AccessEntry::repository(&"a/b".parse().unwrap(), &[Action::Pull, Action::Push]);
        assert_eq!(written.to_string(), "repository:a/b:pull,push");
        assert_eq!(
            serde_json::to_string(&written).unwrap(),
            r#"{"type":"repository","name":"a/b","actions":["pull","push"]}"#
        );
    }

    #[test]
    fn refused() {
        let table: &[Case<'_>] = &[
            ("repository", |e| matches!(e, ScopeError::Shape { .. })),
            ("repository:a", |e| matches!(e, ScopeError::Shape { .. })),
            (":a:pull", |e| matches!(e, ScopeError::Kind { .. })),
            ("Repository:a:pull", |e| {
                matches!(e, ScopeError::Kind { .. })
            }),
            ("repository():a:pull", |e| {
                matches!(e, ScopeError::Kind { .. })
            }),
            ("repository::pull", |e| matches!(e, ScopeError::Name { .. })),
            ("repository:a//b:pull", |e| {
                matches!(e, ScopeError::Name { .. })
            }),
            ("repository:a:b:c/d:pull", |e| {
                matches!(e, ScopeError::Name { .. })
            }),
            ("repository:a:b:pull", |e| {
                matches!(e, ScopeError::Name { .. })
            }),
            ("repository:a\0:pull", |e| {
                matches!(e, ScopeError::Name { .. })
            }),
            ("repository:a:", |e| matches!(e, ScopeError::Actions { .. })),
            ("repository:a:pull,,push", |e| {
                matches!(e, ScopeError::Actions { .. })
            }),
            ("repository:a:a,b,c,d,e,f,g,h,i", |e| {
                matches!(e, ScopeError::Actions { .. })
            }),
        ];
        for (text, expected) in table {
            let error = text.parse::<Scope>().unwrap_err();
            assert!(expected(&error), "{text}: {error}");
        }
        assert_eq!("".parse::<Scope>(), Ok(Scope::default()));
        assert_eq!(
            "repository:a:pull ".repeat(33).parse::<Scope>(),
            Err(ScopeError::TooManyEntries)
        );
        assert!(matches!(
            " ".repeat(9000).parse::<Scope>(),
            Err(ScopeError::TooLong { found: 9000 })
        ));
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_identity(entries in proptest::collection::vec("(repository|registry):([a-z.]{1,6}:[0-9]{1,4}/)?[a-z0-9]{1,4}(/[a-z0-9]{1,3}){0,2}:(\\*|pull|pull,push|delete)", 0..4)) {
            let text = entries.join(" ");
            let scope: Scope = text.parse().unwrap();
            prop_assert_eq!(scope.to_string(), text);
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in "\\PC{0,60}|[a-z:,/ *()]{0,40}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
        }
    }
}
