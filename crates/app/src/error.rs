//! How a use-case says no. One enum for every use-case's common ends; what is special to one stands in its own file.

use domain::actor::Forbidden;
use domain::violation::Violation;

/// Why a use-case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The actor may not. The edge may answer as if the thing did not exist.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// No such thing, or none that this actor may see.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// Such as `offer`.
        what: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// The values given break rules; all of them are listed.
    #[error("{}", violations(.0))]
    Invalid(Vec<Violation>),
    /// The thing is in a state that does not allow this, or someone else was faster.
    #[error("{0}")]
    Conflict(String),
    /// It was public, and the operator took it down.
    #[error("{what} `{name}` was taken down: {reason}")]
    Gone {
        /// Such as `module`.
        what: &'static str,
        /// As it was asked for.
        name: String,
        /// The operator's words.
        reason: String,
    },
    /// Too many tries; come back later.
    #[error("too many tries; wait {seconds} seconds and try again")]
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// Our own trouble: logged in full, told in general.
    #[error("the marketplace could not do this right now")]
    Failed(#[source] Trouble),
}

/// What went wrong on our side.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Metadata.
    #[error("metadata: {0}")]
    Store(#[from] store::Error),
    /// Bytes.
    #[error("storage: {0}")]
    Storage(String),
    /// Anything else, told by the place it happened.
    #[error("{0}")]
    Other(String),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy(what) => Self::Conflict(format!("{what}; try again in a moment")),
            store::Error::Conflict(what) => Self::Conflict(format!("{what} is taken already")),
            other => Self::Failed(Trouble::Store(other)),
        }
    }
}

impl Refused {
    /// Nothing here by that name.
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }

    /// One broken field.
    pub fn invalid(field: &str, limit: &str, found: impl Into<String>, fix: &str) -> Self {
        Self::Invalid(vec![Violation::error(field, limit, found, fix)])
    }

    /// Our own trouble, told by where it happened.
    pub fn trouble(what: impl Into<String>) -> Self {
        Self::Failed(Trouble::Other(what.into()))
    }
}

fn violations(list: &[Violation]) -> String {
    let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
