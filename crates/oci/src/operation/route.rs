//! The path of a request under `/v2`, read from its end: the last parts tell the endpoint, everything before them is
//! the repository name, which may itself hold words such as `manifests`.

use crate::digest::Digest;
use crate::excerpt::excerpt;
use crate::operation::query::Query;
use crate::operation::{MANIFEST_TAGS_MAX, Operation, ParseError, UPLOAD_ID_BYTES_MAX};
use crate::reference::{Reference, ReferenceError};
use crate::repository::RepositoryName;
use crate::tag::Tag;

/// The longest path that is read, in bytes: the longest name, endpoint and sha512 digest fit well.
pub const PATH_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) enum Route<'a> {
    Base,
    Catalog,
    Blob {
        repository: RepositoryName,
        digest: &'a str,
    },
    Manifest {
        repository: RepositoryName,
        reference: &'a str,
    },
    Uploads {
        repository: RepositoryName,
    },
    Upload {
        repository: RepositoryName,
        uuid: &'a str,
    },
    Tags {
        repository: RepositoryName,
    },
    Referrers {
        repository: RepositoryName,
        digest: &'a str,
    },
}

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Result<Self, ParseError> {
        let not_found = || ParseError::NotFound {
            path: excerpt(path),
        };
        let rest = match path.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Base),
            Some(rest) => rest.strip_prefix('/').ok_or_else(not_found)?,
            None => return Err(not_found()),
        };
        if let Some(reason) = trick(path, rest) {
            return Err(ParseError::PathInvalid {
                path: excerpt(path),
                reason,
            });
        }
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        if let Some(name) = rest
            .strip_suffix("/blobs/uploads/")
            .or_else(|| rest.strip_suffix("/blobs/uploads"))
        {
            return Ok(Self::Uploads {
                repository: name.parse()?,
            });
        }
        let (head, last) = rest.rsplit_once('/').ok_or_else(not_found)?;
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            return Ok(Self::Upload {
                repository: name.parse()?,
                uuid: last,
            });
        }
        let (name, endpoint) = head.rsplit_once('/').ok_or_else(not_found)?;
        match (endpoint, last) {
            ("blobs", digest) => Ok(Self::Blob {
                repository: name.parse()?,
                digest,
            }),
            ("manifests", reference) => Ok(Self::Manifest {
                repository: name.parse()?,
                reference,
            }),
            ("referrers", digest) => Ok(Self::Referrers {
                repository: name.parse()?,
                digest,
            }),
            ("tags", "list") => Ok(Self::Tags {
                repository: name.parse()?,
            }),
            _ => Err(not_found()),
        }
    }

    /// The operation that `method` means here.
    pub(super) fn operation(self, method: &str, query: &Query) -> Result<Operation, ParseError> {
        match self {
            Self::Base => read_only(method).map(|()| Operation::Base),
            Self::Catalog => {
                read_only(method)?;
                Ok(Operation::Catalog {
                    n: query.count()?,
                    last: query.text("last")?,
                })
            }
            Self::Tags { repository } => {
                read_only(method)?;
                Ok(Operation::ListTags {
                    repository,
                    n: query.count()?,
                    last: query.text("last")?,
                })
            }
            Self::Referrers { repository, digest } => {
                read_only(method)?;
                let artifact_type = query.text("artifactType")?;
                let last = query.one("last")?.map(str::parse).transpose()?;
                Ok(Operation::Referrers {
                    repository,
                    digest: digest.parse()?,
                    artifact_type,
                    last,
                })
            }
            Self::Blob { repository, digest } => blob(method, repository, digest),
            Self::Manifest {
                repository,
                reference,
            } => manifest(method, repository, reference, query),
            Self::Uploads { repository } => start_upload(method, repository, query),
            Self::Upload { repository, uuid } => upload(method, repository, uuid, query),
        }
    }
}

/// What no legal path holds. Refused before the parts are looked at, so that no later reader can decode or fold them.
fn trick(path: &str, rest: &str) -> Option<&'static str> {
    if path.len() > PATH_BYTES_MAX {
        return Some("it is longer than 1024 bytes");
    }
    if rest.contains('%') {
        return Some(
            "it holds a percent sign; write names, tags and digests without percent-encoding",
        );
    }
    if rest.contains('\\')
        || rest
            .chars()
            .any(|character| character.is_control() || character.is_whitespace())
    {
        return Some("it holds a backslash, a space or a control character");
    }
    if rest.split('/').any(|part| part == "." || part == "..") {
        return Some("it holds a '.' or '..' part");
    }
    if rest.starts_with('/') || rest.contains("//") {
        return Some("it holds an empty part (a double slash)");
    }
    None
}

fn not_allowed(method: &str, allow: &'static str) -> ParseError {
    ParseError::MethodNotAllowed {
        method: excerpt(method),
        allow,
    }
}

fn read_only(method: &str) -> Result<(), ParseError> {
    match method {
        "GET" | "HEAD" => Ok(()),
        _ => Err(not_allowed(method, "GET, HEAD")),
    }
}

fn blob(method: &str, repository: RepositoryName, digest: &str) -> Result<Operation, ParseError> {
    match method {
        "GET" => Ok(Operation::GetBlob {
            repository,
            digest: digest.parse()?,
        }),
        "HEAD" => Ok(Operation::HeadBlob {
            repository,
            digest: digest.parse()?,
        }),
        "DELETE" => Ok(Operation::DeleteBlob {
            repository,
            digest: digest.parse()?,
        }),
        _ => Err(not_allowed(method, "GET, HEAD, DELETE")),
    }
}

fn manifest(
    method: &str,
    repository: RepositoryName,
    reference: &str,
    query: &Query,
) -> Result<Operation, ParseError> {
    let read = |text: &str| match text.parse() {
        Ok(reference) => Ok(reference),
        Err(ReferenceError::Digest(error)) => Err(ParseError::DigestInvalid(error)),
        Err(ReferenceError::Tag(error)) if method == "PUT" => Err(ParseError::TagInvalid(error)),
        Err(ReferenceError::Tag(error)) => Err(ParseError::TagUnknown(error)),
    };
    match method {
        "GET" => Ok(Operation::GetManifest {
            repository,
            reference: read(reference)?,
        }),
        "HEAD" => Ok(Operation::HeadManifest {
            repository,
            reference: read(reference)?,
        }),
        "DELETE" => Ok(Operation::DeleteManifest {
            repository,
            reference: read(reference)?,
        }),
        "PUT" => {
            let reference: Reference = read(reference)?;
            let mut tags: Vec<Tag> = Vec::new();
            for (index, text) in query.all("tag").enumerate() {
                if index == MANIFEST_TAGS_MAX {
                    return Err(ParseError::TooManyTags);
                }
                let tag = text.parse().map_err(ParseError::TagInvalid)?;
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
            Ok(Operation::PutManifest {
                repository,
                reference,
                tags,
            })
        }
        _ => Err(not_allowed(method, "GET, HEAD, PUT, DELETE")),
    }
}

fn start_upload(
    method: &str,
    repository: RepositoryName,
    query: &Query,
) -> Result<Operation, ParseError> {
    if method != "POST" {
        return Err(not_allowed(method, "POST"));
    }
    let digest = query.one("digest")?.map(str::parse).transpose()?;
    let from = query.one("from")?.map(str::parse).transpose()?;
    let mount: Option<Digest> = query.one("mount")?.map(str::parse).transpose()?;
    let algorithm = query.one("digest-algorithm")?.map(str::parse).transpose()?;
    Ok(Operation::StartUpload {
        repository,
        digest,
        mount: mount.map(|mount| (mount, from)),
        algorithm,
    })
}

fn upload(
    method: &str,
    repository: RepositoryName,
    uuid: &str,
    query: &Query,
) -> Result<Operation, ParseError> {
    if !matches!(method, "GET" | "PATCH" | "PUT" | "DELETE") {
        return Err(not_allowed(method, "GET, PATCH, PUT, DELETE"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if uuid.is_empty() || uuid.len() > UPLOAD_ID_BYTES_MAX || !uuid.bytes().all(allowed) {
        return Err(ParseError::UploadUnknown {
            found: excerpt(uuid),
        });
    }
    let uuid = uuid.to_owned();
    Ok(match method {
        "GET" => Operation::GetUpload { repository, uuid },
        "PATCH" => Operation::PatchUpload { repository, uuid },
        "DELETE" => Operation::DeleteUpload { repository, uuid },
        _ => {
            let digest = query
                .one("digest")?
                .ok_or(ParseError::DigestMissing)?
                .parse()?;
            Operation::PutUpload {
                repository,
                uuid,
                digest,
            }
        }
    })
}
