//! One broken rule, told so that its author can mend it: which field, what the limit is, what was
//! found, and what to do. Every check of this crate answers with a list of these, never with the first alone.
//!
//! Left out: findings in a deployment document, which point into the author's text
//! ([`crate::deployment::Problem`]), and certification findings, which carry evidence.

use serde::{Deserialize, Serialize};

/// Whether a broken rule refuses the value or only deserves a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The value is refused.
    Error,
    /// The value is accepted and the author is told.
    Warning,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Refused, or merely noted.
    pub level: Level,
    /// The field by the name its author uses, such as `env.SERVER` or `title`.
    pub field: String,
    /// The rule, with its number and unit.
    pub limit: String,
    /// What was there instead, short enough to read.
    pub found: String,
    /// What the author does about it.
    pub fix: String,
}

impl Violation {
    /// A refusal.
    pub fn error(
        field: impl Into<String>,
        limit: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Level::Error, field, limit, found, fix)
    }

    /// A warning.
    pub fn warning(
        field: impl Into<String>,
        limit: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, field, limit, found, fix)
    }

    /// A violation of the level given.
    pub fn new(
        level: Level,
        field: impl Into<String>,
        limit: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            level,
            field: field.into(),
            limit: limit.into(),
            found: found.into(),
            fix: fix.into(),
        }
    }

    /// Whether this refuses the value.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}; found {}; {}",
            self.field, self.limit, self.found, self.fix
        )
    }
}
