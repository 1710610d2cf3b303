//! A full image reference: `host[:port]/repository[:tag][@digest]`.
//!
//! The host is required: Edgemart never guesses a default registry. Whether the host may be contacted is decided by
//! the address guard, not here.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};
use crate::excerpt::excerpt;
use crate::repository::{RepositoryName, RepositoryNameError};
use crate::string_value::string_value;
use crate::tag::{Tag, TagError};

/// The longest image reference, in bytes: host 260, name 255, tag 128, sha512 digest 135 and the separators.
pub const IMAGE_REFERENCE_BYTES_MAX: usize = 800;

/// The longest DNS name of a host, in bytes (RFC 1035 §2.3.4).
pub const HOST_NAME_BYTES_MAX: usize = 253;

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    /// Over [`IMAGE_REFERENCE_BYTES_MAX`].
    #[error("image reference may have {IMAGE_REFERENCE_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A URL was given.
    #[error(
        "image reference '{found}' must not start with a scheme; leave out everything up to '://'"
    )]
    Scheme {
        /// The text, shortened.
        found: String,
    },
    /// No host before the first slash (a host has a dot, a port, or is `localhost`).
    #[error(
        "image reference '{found}' names no registry; write host/repository:tag, for example docker.io/library/{found}"
    )]
    NoHost {
        /// The text, shortened.
        found: String,
    },
    /// The host or port breaks the grammar.
    #[error(
        "registry host '{found}' is not allowed; write a DNS name or address with an optional port, for example registry.example.com:5000"
    )]
    Host {
        /// The host, shortened.
        found: String,
    },
    /// The repository part.
    #[error(transparent)]
    Repository(#[from] RepositoryNameError),
    /// The tag part.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The digest part.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// A parsed image reference. The host is kept in lower case, everything else as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    /// `name`, `name:port`, `address:port` or `[v6]:port`, lower case.
    pub host: String,
    /// The repository.
    pub repository: RepositoryName,
    /// The tag, when written.
    pub tag: Option<Tag>,
    /// The digest, when written. With a tag as well, the digest decides and the tag is a remark.
    pub digest: Option<Digest>,
}

impl FromStr for ImageReference {
    type Err = ImageReferenceError;

    fn from_str(text: &str) -> Result<Self, ImageReferenceError> {
        if text.len() > IMAGE_REFERENCE_BYTES_MAX {
            return Err(ImageReferenceError::TooLong { found: text.len() });
        }
        if text.contains("://") {
            return Err(ImageReferenceError::Scheme {
                found: excerpt(text),
            });
        }
        let (host, rest) = match text.split_once('/') {
            Some((host, rest)) if looks_like_host(host) => (host, rest),
            _ => {
                return Err(ImageReferenceError::NoHost {
                    found: excerpt(text),
                });
            }
        };
        if !is_host(host) {
            return Err(ImageReferenceError::Host {
                found: excerpt(host),
            });
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.parse()?)),
            None => (rest, None),
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            repository: repository.parse()?,
            tag,
            digest,
        })
    }
}

/// The rule container clients share: a first part is a host when it has a dot or colon or is `localhost`.
fn looks_like_host(part: &str) -> bool {
    part.contains(['.', ':']) || part.eq_ignore_ascii_case("localhost")
}

fn is_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= HOST_NAME_BYTES_MAX && name.split('.').all(label) && port.is_none_or(is_port)
}

/// 1 to 65535, plain digits, no leading zero, so that one port has one spelling.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
        && text.parse::<u16>().is_ok()
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

string_value!(ImageReference);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text, and the error it must give.
    type Case<'a> = (&'a str, fn(&ImageReferenceError) -> bool);

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn parts_are_told_apart() {
        let image: ImageReference = format!("Registry.Example.com:5000/a/b:1.5@sha256:{HEX}")
            .parse()
            .unwrap();
        assert_eq!(image.host, "registry.example.com:5000");
        assert_eq!(image.repository.as_str(), "a/b");
        assert_eq!(image.tag.as_ref().unwrap().as_str(), "1.5");
        assert_eq!(image.digest.as_ref().unwrap().hex(), HEX);
        for text in [
            "localhost/a",
            "localhost:5000/a:1",
            "127.0.0.1:80/a/b",
            "[::1]:5000/a",
            "[::1]/a",
            "docker.io/library/alpine",
        ] {
            assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("host.example/{}", "a".repeat(900));
        let table: &[Case<'_>] = &[
            ("", |e| matches!(e, ImageReferenceError::NoHost { .. })),
            ("alpine", |e| {
                matches!(e, ImageReferenceError::NoHost { .. })
            }),
            ("library/alpine:3", |e| {
                matches!(e, ImageReferenceError::NoHost { .. })
            }),
            ("https://docker.io/a", |e| {
                matches!(e, ImageReferenceError::Scheme { .. })
            }),
            (&long, |e| matches!(e, ImageReferenceError::TooLong { .. })),
            ("user@host.example/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host.example:0/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host.example:65536/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host.example:+80/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host.example:/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host..example/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("-a.example/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("[::1/a", |e| matches!(e, ImageReferenceError::Host { .. })),
            ("ho\0st.example/a", |e| {
                matches!(e, ImageReferenceError::Host { .. })
            }),
            ("host.example/", |e| {
                matches!(
                    e,
                    ImageReferenceError::Repository(RepositoryNameError::Empty)
                )
            }),
            ("host.example/A", |e| {
                matches!(e, ImageReferenceError::Repository(_))
            }),
            ("host.example/../a", |e| {
                matches!(e, ImageReferenceError::Repository(_))
            }),
            ("host.example/a:", |e| {
                matches!(e, ImageReferenceError::Tag(_))
            }),
            ("host.example/a:1:2", |e| {
                matches!(e, ImageReferenceError::Tag(_))
            }),
            ("host.example/a@", |e| {
                matches!(e, ImageReferenceError::Digest(_))
            }),
            ("host.example/a@sha256:1@sha256:2", |e| {
                matches!(e, ImageReferenceError::Digest(_))
            }),
        ];
        for (text, expected) in table {
            let error = text.parse::<ImageReference>().unwrap_err();
            assert!(expected(&error), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_identity(
            host in "[a-z0-9]{1,5}\\.[a-z]{2,3}(:[1-9][0-9]{0,3})?",
            name in "[a-z0-9]{1,4}(/[a-z0-9]{1,4}){0,3}",
            tag in "(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,10})?",
            digest in "(@sha256:[0-9a-f]{64})?",
        ) {
            let text = format!("{host}/{name}{tag}{digest}");
            let image: ImageReference = text.parse().unwrap();
            prop_assert_eq!(image.to_string(), text);
            prop_assert_eq!(image.to_string().parse::<ImageReference>(), Ok(image));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in "\\PC{0,60}|[a-z.:/@\\[\\]]{0,40}") {
            if let Ok(image) = text.parse::<ImageReference>() {
                prop_assert_eq!(image.to_string().parse::<ImageReference>(), Ok(image));
            }
        }
    }
}
