//! How the registry says no: in the protocol's own error codes, with what HTTP needs beside them. The edge knows the
//! status that belongs to each variant.

use oci::ErrorCode;
use serde_json::Value;

use crate::error::{Refused, Trouble};

/// One entry of the error envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The protocol's code.
    pub code: ErrorCode,
    /// For people: what was tried, on what, the limit, what was found, the fix.
    pub message: String,
    /// For programs.
    pub detail: Option<Value>,
}

/// Why a registry request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Say who you are, or say it right: answered with a Bearer challenge for `scopes`.
    #[error("{message}")]
    Unauthorized {
        /// What is wrong with the credentials, or that some are needed.
        message: String,
        /// Scopes such as `repository:name:pull`; several are separated by blanks.
        scopes: String,
        /// RFC 6750 error, such as `invalid_token` or `insufficient_scope`; none when no credentials came.
        error: Option<&'static str>,
    },
    /// Known, and still not allowed; tells why.
    #[error("{0}")]
    Denied(String),
    /// Not here, or not for this caller's eyes.
    #[error("{}", .0.message)]
    NotFound(Fault),
    /// The request breaks a rule of the protocol; every fault found is listed.
    #[error("{}", messages(.0))]
    Invalid(Vec<Fault>),
    /// Over a size limit.
    #[error("{}", .0.message)]
    TooLarge(Fault),
    /// The thing is in use, or another request was faster.
    #[error("{}", .0.message)]
    Conflict(Fault),
    /// A chunk does not begin where the upload stands.
    #[error("upload {id} holds {size} bytes; continue from there")]
    OutOfOrder {
        /// The upload.
        id: String,
        /// Bytes it holds.
        size: u64,
    },
    /// Too many tries.
    #[error("too many tries; wait {seconds} seconds and try again")]
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// The client went away or sent less than it said.
    #[error("{}", .0.message)]
    Interrupted(Fault),
    /// Our own trouble: logged in full, told in general.
    #[error("the registry could not do this right now")]
    Failed(#[source] Trouble),
}

impl Fault {
    /// A fault without detail.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// The same with detail.
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }
}

impl Refusal {
    /// One broken rule.
    pub fn invalid(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(code, message)])
    }

    /// Not here.
    pub fn not_found(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::NotFound(Fault::new(code, message))
    }

    /// Trouble with storage.
    pub fn storage(what: impl std::fmt::Display) -> Self {
        Self::Failed(Trouble::Storage(what.to_string()))
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Failed(Trouble::Store(error))
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany { seconds } => Self::TooMany { seconds },
            Refused::Failed(trouble) => Self::Failed(trouble),
            other => Self::Denied(other.to_string()),
        }
    }
}

fn messages(faults: &[Fault]) -> String {
    let lines: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    lines.join("\n")
}
