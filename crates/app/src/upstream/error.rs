//! What can go wrong at a publisher's registry, told to the publisher: which host and repository, what it answered,
//! what to do. Texts of the other side are cut and cleaned before they are repeated.

use std::fmt;
use std::time::Duration;

use oci::{Digest, ManifestError};
use serde::Deserialize;

use super::Registry;
use crate::egress::{Answer, EgressError, read_bounded, shown};

/// How much of an error body is read.
const ERROR_BODY_BYTES_MAX: u64 = 16 * 1024;

/// Host and repository, as the publisher wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// With port.
    pub host: String,
    /// Without host.
    pub repository: String,
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.host, self.repository)
    }
}

/// Why an image could not be read from its registry.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Not contacted, or no usable answer.
    #[error("{at}: {source}")]
    Egress {
        /// Where.
        at: At,
        /// Why.
        source: EgressError,
    },
    /// The registry wants a password and none was given.
    #[error(
        "{at} cannot be read without signing in ({answered}), or does not exist; check the name, or give the plan \
         credentials that may pull it"
    )]
    CredentialsRequired {
        /// Where.
        at: At,
        /// What was said.
        answered: String,
    },
    /// Credentials were given and refused.
    #[error(
        "{at} did not accept the credentials of user `{username}` for pulling ({answered}); check user name and \
         password, that they have not expired, and that they may pull this repository"
    )]
    CredentialsWrong {
        /// Where.
        at: At,
        /// Who.
        username: String,
        /// What was said.
        answered: String,
    },
    /// The password would have gone to another host.
    #[error(
        "{at} asks to send your password to `{realm}`, another host; it was not sent. If that host is the registry's \
         own token server, name it in the plan's credentials (token server host); it must be reached over https"
    )]
    CredentialsElsewhere {
        /// Where.
        at: At,
        /// Scheme, host and port of the token server.
        realm: String,
    },
    /// 401 without a challenge we know.
    #[error(
        "{at} asks to sign in in a way that is not spoken here (`{found}`); Basic and Bearer are"
    )]
    Challenge {
        /// Where.
        at: At,
        /// The challenge, or what it lacks.
        found: String,
    },
    /// The token server's answer cannot be used.
    #[error(
        "the token server of {at} at `{realm}` {what}; ask the registry's operator, or try again later"
    )]
    Token {
        /// Where.
        at: At,
        /// Host of the token server.
        realm: String,
        /// What it did.
        what: String,
    },
    /// 403 and the like.
    #[error("{at} refuses {what} ({answered}); the account used must be allowed to pull")]
    Denied {
        /// Where.
        at: At,
        /// Such as `tag 1.0`.
        what: String,
        /// What was said.
        answered: String,
    },
    /// The registry does not know the repository.
    #[error("the registry {} has no repository `{}`; check the spelling, or push the image first", .at.host, .at.repository)]
    NoRepository {
        /// Where.
        at: At,
    },
    /// The repository has no such tag or manifest.
    #[error("{at} has no {what}; push it, or correct the plan's tags")]
    NotFound {
        /// Where.
        at: At,
        /// Such as `tag 1.0`.
        what: String,
    },
    /// An index promises a manifest that is not there.
    #[error(
        "{at}: index {} lists {} for {}, but the registry does not have it; push all platforms again, or remove the entry",
        .index.short(), .child.short(), .platform
    )]
    ChildMissing {
        /// Where.
        at: At,
        /// The index.
        index: Digest,
        /// What it lists.
        child: Digest,
        /// For which platform, as `linux/arm64`.
        platform: String,
    },
    /// A manifest names a blob that is not there.
    #[error(
        "{at}: blob {digest} is named by a manifest, but the registry does not have it; push the image again"
    )]
    BlobMissing {
        /// Where.
        at: At,
        /// The blob.
        digest: Digest,
    },
    /// The bytes are not what they were called.
    #[error(
        "{at}: {what} should be {expected}, but what came is {found}; the registry or something before it altered it"
    )]
    DigestMismatch {
        /// Where.
        at: At,
        /// Such as `tag 1.0`.
        what: String,
        /// Promised.
        expected: Digest,
        /// Computed.
        found: Digest,
    },
    /// More or fewer bytes than stated.
    #[error(
        "{at}: {what} should have {expected} bytes, but the registry sends {found}; push the image again"
    )]
    SizeMismatch {
        /// Where.
        at: At,
        /// Such as `blob sha256:…`.
        what: String,
        /// Stated.
        expected: u64,
        /// Found, `more` when it did not end.
        found: String,
    },
    /// Not a manifest we take.
    #[error("{at}: {what}: {source}")]
    Manifest {
        /// Where.
        at: At,
        /// Such as `tag 1.0`.
        what: String,
        /// Why.
        source: Box<ManifestError>,
    },
    /// A limit of this marketplace.
    #[error("{at}: {what}: {found} found, {limit} allowed; {fix}")]
    Limit {
        /// Where.
        at: At,
        /// What is counted.
        what: String,
        /// The bound.
        limit: u64,
        /// The count, or more.
        found: u64,
        /// What to do.
        fix: &'static str,
    },
    /// Too little came for too long.
    #[error("{at}: {what} comes too slowly: less than {bytes_min} bytes in {} seconds; try again later", .time.as_secs_f32())]
    TooSlow {
        /// Where.
        at: At,
        /// Such as `blob sha256:…`.
        what: String,
        /// The least.
        bytes_min: u64,
        /// Within.
        time: Duration,
    },
    /// The transfer broke again and again.
    #[error(
        "{at}: {what} broke off after {got} of {expected} bytes, {attempts} times without headway; try again later"
    )]
    Cut {
        /// Where.
        at: At,
        /// Such as `blob sha256:…`.
        what: String,
        /// Bytes that came.
        got: u64,
        /// Bytes there are.
        expected: u64,
        /// Tries.
        attempts: u32,
    },
    /// 429 or 5xx to the end.
    #[error("{answered} is busy or out of order (status {status}) for {at}{}; try again later", wait(.retry_after.as_ref()))]
    Busy {
        /// Where.
        at: At,
        /// The host that said so.
        answered: String,
        /// HTTP status.
        status: u16,
        /// When to come back, as the registry wishes.
        retry_after: Option<Duration>,
    },
    /// The store found other bytes than a blob's digest promises.
    #[error(
        "the registry sent blob {digest} altered or incomplete ({why}); push the image again, or try again later"
    )]
    Corrupt {
        /// The blob.
        digest: Digest,
        /// What the store found.
        why: String,
    },
    /// Not a tag.
    #[error("{at}: {source}")]
    Tag {
        /// Where.
        at: At,
        /// Why.
        source: oci::TagError,
    },
    /// Anything that no registry should answer.
    #[error(
        "{at} answered {what} with {found}, which is not the registry protocol; check that the host is a container registry"
    )]
    Protocol {
        /// Where.
        at: At,
        /// What was asked.
        what: String,
        /// What came.
        found: String,
    },
}

fn wait(after: Option<&Duration>) -> String {
    after.map_or_else(String::new, |after| {
        format!(" and asks to wait {} seconds", after.as_secs())
    })
}

impl UpstreamError {
    pub(super) fn egress(at: &At, source: EgressError) -> Self {
        Self::Egress {
            at: at.clone(),
            source,
        }
    }

    /// A blob that came whole but is not what its digest says, as the verifying store tells it.
    pub fn corrupt(digest: &Digest, why: &dyn fmt::Display) -> Self {
        Self::Corrupt {
            digest: digest.clone(),
            why: why.to_string(),
        }
    }

    /// May the same import work later without anybody changing anything? A job is run again for these only.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Egress { source, .. } => source.is_transient(),
            Self::TooSlow { .. } | Self::Cut { .. } | Self::Busy { .. } => true,
            _ => false,
        }
    }

    /// When a transient error should be tried again, if the registry said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// What a refusing answer says: its status, and the first error of an OCI envelope.
pub(super) struct Said {
    pub(super) code: String,
    pub(super) text: String,
}

impl Registry {
    /// Reads why. A body that cannot be read does not hide the status.
    pub(super) async fn said(&self, answer: Answer) -> Said {
        let status = answer.response.status().as_u16();
        let deadline = tokio::time::Instant::now() + self.0.limits.document_time_max;
        let body = read_bounded(&self.0.egress, answer, ERROR_BODY_BYTES_MAX, deadline).await;
        let entry = body
            .ok()
            .and_then(|body| serde_json::from_slice::<Envelope>(&body).ok())
            .and_then(|envelope| envelope.errors.into_iter().next());
        match entry {
            Some(entry) => {
                let message = shown(entry.message.as_deref().unwrap_or_default());
                let text = format!("status {status}, {}: {message}", shown(&entry.code));
                Said {
                    code: entry.code,
                    text,
                }
            }
            None => Said {
                code: String::new(),
                text: format!("status {status}"),
            },
        }
    }

    /// 401 although we authenticated.
    pub(super) async fn rejected(&self, answer: Answer, what: &str) -> UpstreamError {
        let at = self.0.at.clone();
        let answered = format!("{what}: {}", self.said(answer).await.text);
        match &self.0.credentials {
            Some(credentials) => UpstreamError::CredentialsWrong {
                at,
                username: credentials.username.clone(),
                answered,
            },
            None => UpstreamError::CredentialsRequired { at, answered },
        }
    }

    /// An answer that is neither success nor 401.
    pub(super) async fn unexpected(&self, answer: Answer, what: &str) -> UpstreamError {
        let at = self.0.at.clone();
        let what = what.to_owned();
        let status = answer.response.status().as_u16();
        let host = crate::egress::authority(&answer.url);
        let said = self.said(answer).await;
        match (status, said.code.as_str()) {
            (404, "NAME_UNKNOWN") => UpstreamError::NoRepository { at },
            (404, _) => UpstreamError::NotFound { at, what },
            (401 | 403, _) | (_, "DENIED") if self.0.credentials.is_none() => {
                UpstreamError::CredentialsRequired {
                    at,
                    answered: said.text,
                }
            }
            (401 | 403, _) | (_, "DENIED") => UpstreamError::Denied {
                at,
                what,
                answered: said.text,
            },
            _ => UpstreamError::Protocol {
                at,
                what,
                found: format!("{} from {host}", said.text),
            },
        }
    }
}
