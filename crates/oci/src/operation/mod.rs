//! Every request under `/v2` as one value: [`Operation`]. The same value is authorized and then carried out, so what
//! was allowed is what runs.
//!
//! Endpoint numbers are those of distribution-spec "Endpoints". Bodies and headers are not looked at, and nothing is
//! known here about which repositories exist or who may touch them.

mod error;
mod query;
mod route;

pub use error::ParseError;
pub use query::{QUERY_BYTES_MAX, QUERY_PARAMETERS_MAX};
pub use route::PATH_BYTES_MAX;

use std::fmt;

use crate::digest::{Digest, DigestAlgorithm};
use crate::reference::Reference;
use crate::repository::RepositoryName;
use crate::tag::Tag;

/// The longest upload id, in bytes; the grammar is `[A-Za-z0-9-]+`.
pub const UPLOAD_ID_BYTES_MAX: usize = 64;

/// The most `tag` parameters on one manifest push (end-7b; at least ten must work).
pub const MANIFEST_TAGS_MAX: usize = 64;

/// What a caller must be allowed to do. Token scopes use the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read blobs, manifests, tags and referrers.
    Pull,
    /// Upload blobs and write manifests and tags.
    Push,
    /// Remove blobs, manifests or tags.
    Delete,
    /// List the repositories of the registry.
    Catalog,
}

impl Action {
    /// The word in token scopes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::Catalog => "catalog",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A well-formed request under `/v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `GET|HEAD /v2/`: is this a registry, and am I signed in (end-1).
    Base,
    /// `GET …/blobs/D` (end-2).
    GetBlob {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// `HEAD …/blobs/D` (end-2).
    HeadBlob {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// `GET …/manifests/R` (end-3).
    GetManifest {
        /// Where.
        repository: RepositoryName,
        /// Which.
        reference: Reference,
    },
    /// `HEAD …/manifests/R` (end-3).
    HeadManifest {
        /// Where.
        repository: RepositoryName,
        /// Which.
        reference: Reference,
    },
    /// `PUT …/manifests/R?tag=…` (end-7a, end-7b).
    PutManifest {
        /// Where.
        repository: RepositoryName,
        /// Under which tag or digest.
        reference: Reference,
        /// Further tags to set at once, each once, at most [`MANIFEST_TAGS_MAX`].
        tags: Vec<Tag>,
    },
    /// `DELETE …/manifests/R` (end-9): a tag alone, or a manifest with its tags.
    DeleteManifest {
        /// Where.
        repository: RepositoryName,
        /// Which.
        reference: Reference,
    },
    /// `DELETE …/blobs/D` (end-10).
    DeleteBlob {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// `POST …/blobs/uploads/` (end-4a, 4b, 4c, 11).
    StartUpload {
        /// Where.
        repository: RepositoryName,
        /// The body is the whole blob with this digest (end-4b).
        digest: Option<Digest>,
        /// Take this blob from another repository, or from any the caller may read (end-11).
        mount: Option<(Digest, Option<RepositoryName>)>,
        /// The algorithm that the closing digest will use (end-4c).
        algorithm: Option<DigestAlgorithm>,
    },
    /// `PATCH …/blobs/uploads/U` (end-5): one more chunk.
    PatchUpload {
        /// Where.
        repository: RepositoryName,
        /// The upload.
        uuid: String,
    },
    /// `PUT …/blobs/uploads/U?digest=D` (end-6): the last chunk, and close.
    PutUpload {
        /// Where.
        repository: RepositoryName,
        /// The upload.
        uuid: String,
        /// The digest the whole must have.
        digest: Digest,
    },
    /// `GET …/blobs/uploads/U` (end-13): how far is it.
    GetUpload {
        /// Where.
        repository: RepositoryName,
        /// The upload.
        uuid: String,
    },
    /// `DELETE …/blobs/uploads/U` (end-14): give up.
    DeleteUpload {
        /// Where.
        repository: RepositoryName,
        /// The upload.
        uuid: String,
    },
    /// `GET|HEAD …/tags/list` (end-8a, 8b).
    ListTags {
        /// Where.
        repository: RepositoryName,
        /// At most this many; 0 asks for none.
        n: Option<u64>,
        /// Only what sorts after this text, which need not be a tag that exists.
        last: Option<String>,
    },
    /// `GET|HEAD …/referrers/D` (end-12a, 12b).
    Referrers {
        /// Where.
        repository: RepositoryName,
        /// The manifest referred to.
        digest: Digest,
        /// Only referrers of this type.
        artifact_type: Option<String>,
        /// Only what comes after this digest: the next page, as our own `Link` says.
        last: Option<Digest>,
    },
    /// `GET|HEAD /v2/_catalog`: not in the specification, expected by client tools.
    Catalog {
        /// At most this many; 0 asks for none.
        n: Option<u64>,
        /// Only what sorts after this text.
        last: Option<String>,
    },
}

impl Operation {
    /// Reads a request line. `raw_path` is the undecoded path; no legal path needs percent-encoding, so an encoded one
    /// is refused rather than decoded. Unknown query parameters are ignored.
    ///
    /// # Errors
    /// See [`ParseError`]; its [`ParseError::code`] fits the error envelope.
    pub fn parse(method: &str, raw_path: &str, query: Option<&str>) -> Result<Self, ParseError> {
        let route = route::Route::parse(raw_path)?;
        let query = query::Query::parse(query.unwrap_or_default())?;
        route.operation(method, &query)
    }

    /// The repository the operation is about; `None` for [`Operation::Base`] and [`Operation::Catalog`].
    #[must_use]
    pub const fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Base | Self::Catalog { .. } => None,
            Self::GetBlob { repository, .. }
            | Self::HeadBlob { repository, .. }
            | Self::GetManifest { repository, .. }
            | Self::HeadManifest { repository, .. }
            | Self::PutManifest { repository, .. }
            | Self::DeleteManifest { repository, .. }
            | Self::DeleteBlob { repository, .. }
            | Self::StartUpload { repository, .. }
            | Self::PatchUpload { repository, .. }
            | Self::PutUpload { repository, .. }
            | Self::GetUpload { repository, .. }
            | Self::DeleteUpload { repository, .. }
            | Self::ListTags { repository, .. }
            | Self::Referrers { repository, .. } => Some(repository),
        }
    }

    /// What the caller must be allowed to do on [`Operation::repository`]; `None` for [`Operation::Base`], which only
    /// asks who the caller is. A mount also reads [`Operation::mount_source`]. Asking for and giving up an upload is
    /// part of pushing.
    #[must_use]
    pub const fn action(&self) -> Option<Action> {
        match self {
            Self::Base => None,
            Self::GetBlob { .. }
            | Self::HeadBlob { .. }
            | Self::GetManifest { .. }
            | Self::HeadManifest { .. }
            | Self::ListTags { .. }
            | Self::Referrers { .. } => Some(Action::Pull),
            Self::PutManifest { .. }
            | Self::StartUpload { .. }
            | Self::PatchUpload { .. }
            | Self::PutUpload { .. }
            | Self::GetUpload { .. }
            | Self::DeleteUpload { .. } => Some(Action::Push),
            Self::DeleteManifest { .. } | Self::DeleteBlob { .. } => Some(Action::Delete),
            Self::Catalog { .. } => Some(Action::Catalog),
        }
    }

    /// The repository a mount takes from, which the caller must be allowed to pull.
    #[must_use]
    pub fn mount_source(&self) -> Option<&RepositoryName> {
        match self {
            Self::StartUpload {
                mount: Some((_, from)),
                ..
            } => from.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
