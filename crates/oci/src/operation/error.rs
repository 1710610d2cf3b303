//! Why a request under `/v2` is no [`super::Operation`].

use crate::digest::DigestError;
use crate::error_code::ErrorCode;
use crate::operation::{
    MANIFEST_TAGS_MAX, QUERY_BYTES_MAX, QUERY_PARAMETERS_MAX, UPLOAD_ID_BYTES_MAX,
};
use crate::repository::RepositoryNameError;
use crate::tag::TagError;

/// Why a request is refused before anything is looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No endpoint has this path: not found.
    #[error("no registry endpoint has the path '{path}'")]
    NotFound {
        /// The path, shortened.
        path: String,
    },
    /// The endpoint exists but not with this method; `allow` is the value of the `Allow` header.
    #[error("method {method} is not offered here; allowed: {allow}")]
    MethodNotAllowed {
        /// The method, shortened.
        method: String,
        /// For the `Allow` header.
        allow: &'static str,
    },
    /// The path holds something no legal path holds.
    #[error("path '{path}' is not allowed: {reason}")]
    PathInvalid {
        /// The path, shortened.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The repository name in the path or in `from`.
    #[error(transparent)]
    NameInvalid(#[from] RepositoryNameError),
    /// A digest in the path or a parameter.
    #[error(transparent)]
    DigestInvalid(#[from] DigestError),
    /// A parameter that the endpoint needs is absent.
    #[error("parameter 'digest' is missing; close an upload with ?digest=sha256:…")]
    DigestMissing,
    /// A tag that cannot exist was asked for: nothing can be found under it.
    #[error("no manifest can have this name: {0}")]
    TagUnknown(#[source] TagError),
    /// A tag that breaks the grammar was to be written.
    #[error("the manifest cannot be stored under this name: {0}")]
    TagInvalid(#[source] TagError),
    /// Over [`MANIFEST_TAGS_MAX`].
    #[error(
        "a manifest may be pushed with {MANIFEST_TAGS_MAX} tag parameters, found more; push it in several requests"
    )]
    TooManyTags,
    /// The upload id breaks the grammar, so no upload has it.
    #[error(
        "there is no upload '{found}': ids have 1 to {UPLOAD_ID_BYTES_MAX} letters, digits and '-'"
    )]
    UploadUnknown {
        /// The id, shortened.
        found: String,
    },
    /// The query as a whole.
    #[error("query may have {QUERY_BYTES_MAX} bytes and {QUERY_PARAMETERS_MAX} parameters")]
    QueryTooLong,
    /// A parameter's value.
    #[error("parameter '{name}' has the value '{found}': {reason}")]
    ParameterInvalid {
        /// The parameter.
        name: &'static str,
        /// Its value, shortened.
        found: String,
        /// What it must be.
        reason: &'static str,
    },
    /// A parameter that may be given once is given more often.
    #[error("parameter '{name}' may be given once")]
    ParameterRepeated {
        /// The parameter.
        name: &'static str,
    },
}

impl ParseError {
    /// The code for the error envelope. [`ParseError::NotFound`] and [`ParseError::MethodNotAllowed`] are told apart
    /// from other `UNSUPPORTED` answers by their variant, since they have their own HTTP status.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::QueryTooLong
            | Self::ParameterInvalid { .. }
            | Self::ParameterRepeated { .. } => ErrorCode::Unsupported,
            Self::PathInvalid { .. } | Self::NameInvalid(_) => ErrorCode::NameInvalid,
            Self::DigestInvalid(_) | Self::DigestMissing => ErrorCode::DigestInvalid,
            Self::TagUnknown(_) => ErrorCode::ManifestUnknown,
            Self::TagInvalid(_) | Self::TooManyTags => ErrorCode::ManifestInvalid,
            Self::UploadUnknown { .. } => ErrorCode::BlobUploadUnknown,
        }
    }
}
