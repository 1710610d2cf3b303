//! The image reference rule of the device: which `settings.image` texts the IoT Edge agent can parse.
//!
//! The agent trims the text and matches `^(?<repo>([^/]*/)*)(?<image>[^/:]+)(?<tag>:[^/:]+)?$`. It is laxer than the
//! registry grammar in most ways (`$upstream:443/…` passes) and stricter in one: a tag together with a digest fails.

use crate::excerpt::excerpt;

/// Why the agent would refuse an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentReferenceError {
    /// Nothing after the last slash, or nothing before the tag.
    #[error(
        "the IoT Edge agent cannot parse image '{found}': the image name after the last '/' is missing"
    )]
    NoImage {
        /// The text, shortened.
        found: String,
    },
    /// The part after the colon is empty.
    #[error(
        "the IoT Edge agent cannot parse image '{found}': the tag after ':' is empty; remove the ':' or write a tag"
    )]
    EmptyTag {
        /// The text, shortened.
        found: String,
    },
    /// Tag and digest at once.
    #[error(
        "the IoT Edge agent cannot parse image '{found}': it has both a tag and a digest; keep the digest and remove the tag"
    )]
    TagAndDigest {
        /// The text, shortened.
        found: String,
    },
    /// More than one colon after the last slash.
    #[error(
        "the IoT Edge agent cannot parse image '{found}': only one ':' may follow the last '/'"
    )]
    Colons {
        /// The text, shortened.
        found: String,
    },
}

/// Whether the IoT Edge agent can parse `text` as an image reference.
///
/// # Errors
/// Names the first reason why it cannot.
pub fn agent_accepts(text: &str) -> Result<(), AgentReferenceError> {
    let trimmed = text.trim();
    let found = || excerpt(trimmed);
    let last = trimmed.rsplit('/').next().unwrap_or(trimmed);
    let (image, tag) = match last.split_once(':') {
        Some((image, tag)) => (image, Some(tag)),
        None => (last, None),
    };
    if image.is_empty() {
        return Err(AgentReferenceError::NoImage { found: found() });
    }
    match tag {
        None => Ok(()),
        Some("") => Err(AgentReferenceError::EmptyTag { found: found() }),
        Some(tag) if tag.contains(':') && tag.contains('@') => {
            Err(AgentReferenceError::TagAndDigest { found: found() })
        }
        Some(tag) if tag.contains(':') => Err(AgentReferenceError::Colons { found: found() }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// A text, and the error it must give.
    type Case<'a> = (&'a str, fn(&AgentReferenceError) -> bool);

    #[test]
    fn the_table_of_the_agent() {
        let hex = "0123456789abcdef".repeat(4);
        for accepted in [
            "mcr.microsoft.com/a/b:1.5",
            "host:5000/a/b:1.5",
            "host/a/b",
            &format!("host/a/b@sha256:{hex}"),
            &format!("host:5000/a/b@sha256:{hex}"),
            "$upstream:443/a/b:1.5",
            "  host/a/b:1  ",
            "image",
            "//image",
        ] {
            assert_eq!(agent_accepts(accepted), Ok(()), "{accepted}");
        }
        let table: &[Case<'_>] = &[
            ("", |e| matches!(e, AgentReferenceError::NoImage { .. })),
            ("host/", |e| {
                matches!(e, AgentReferenceError::NoImage { .. })
            }),
            ("host/:1", |e| {
                matches!(e, AgentReferenceError::NoImage { .. })
            }),
            ("host/a:", |e| {
                matches!(e, AgentReferenceError::EmptyTag { .. })
            }),
            ("host/a:1:2", |e| {
                matches!(e, AgentReferenceError::Colons { .. })
            }),
            ("host/a/b:1.5@sha256:00", |e| {
                matches!(e, AgentReferenceError::TagAndDigest { .. })
            }),
        ];
        for (text, expected) in table {
            let error = agent_accepts(text).unwrap_err();
            assert!(expected(&error), "{text}: {error}");
        }
    }
}
