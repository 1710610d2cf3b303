//! The tags of a module image: `latest` | `X.Y` | `X.Y.Z` | `X.Y-suffix` | `X.Y.Z-suffix`.
//! `X.Y.Z` never moves once live; `latest` and `X.Y` are pointers that the marketplace moves forward.

use serde::{Deserialize, Serialize};

/// A version `X.Y.Z`: three integers without leading zeros, ordered as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// X.
    pub major: u32,
    /// Y.
    pub minor: u32,
    /// Z.
    pub patch: u32,
}

/// What a tag of a module image means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleTag {
    /// `latest`.
    Latest,
    /// `X.Y`, a pointer to the newest `X.Y.Z`.
    Rolling(u32, u32),
    /// `X.Y.Z`, immutable.
    Version(Version),
    /// `X.Y-suffix` or `X.Y.Z-suffix`, usually one platform of a version.
    Suffixed(String),
}

/// A text that is no tag or version of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not `latest`, `X.Y`, `X.Y.Z`, `X.Y-suffix` or `X.Y.Z-suffix` (integers without leading zeros, suffix of letters, digits, `_`, `.`, `-`, at most 128 characters)"
)]
pub struct TagError(pub String);

fn integer(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if plain && canonical {
        text.parse().ok()
    } else {
        None
    }
}

impl std::str::FromStr for Version {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        let parts: Vec<u32> = text.split('.').map_while(integer).collect();
        match (parts.as_slice(), text.split('.').count()) {
            ([major, minor, patch], 3) => Ok(Self {
                major: *major,
                minor: *minor,
                patch: *patch,
            }),
            _ => Err(TagError(text.chars().take(140).collect())),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
impl TryFrom<String> for Version {
    type Error = TagError;
    fn try_from(text: String) -> Result<Self, TagError> {
        text.parse()
    }
}
impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl std::str::FromStr for ModuleTag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        let refused = || TagError(text.chars().take(140).collect());
        if text.len() > 128 {
            return Err(refused());
        }
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let (numbers, suffix) = match text.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (text, None),
        };
        let parts: Option<Vec<u32>> = numbers.split('.').map(integer).collect();
        let suffix_ok = suffix.is_none_or(|s| {
            !s.is_empty()
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        });
        match (parts.as_deref(), suffix_ok, suffix) {
            (Some([_, _] | [_, _, _]), true, Some(_)) => Ok(Self::Suffixed(text.to_owned())),
            (Some(&[major, minor]), true, None) => Ok(Self::Rolling(major, minor)),
            (Some(&[major, minor, patch]), true, None) => Ok(Self::Version(Version {
                major,
                minor,
                patch,
            })),
            _ => Err(refused()),
        }
    }
}

/// The highest `X.Y.Z` among tags; others are ignored.
pub fn newest<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<Version> {
    tags.into_iter().filter_map(|tag| tag.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_domain_4_2() {
        for good in [
            "latest",
            "1.0",
            "1.0.1",
            "1.0-arm",
            "1.0.1-linux-x64",
            "0.0.0",
            "10.20.30-a_b.c",
        ] {
            assert!(good.parse::<ModuleTag>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "1",
            "v1.0",
            "01.0",
            "1.0.0.0",
            "1.0-",
            "1.0.1+a",
            "Latest",
            "1.0.1-ä",
            "4294967296.0",
        ] {
            assert!(bad.parse::<ModuleTag>().is_err(), "{bad}");
        }
        assert!(
            format!("1.0-{}", "a".repeat(130))
                .parse::<ModuleTag>()
                .is_err()
        );
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(
            newest(["1.9.0", "latest", "1.10.0", "1.10", "0.99.99"]),
            Some("1.10.0".parse().unwrap())
        );
        assert_eq!(newest(["latest", "1.0"]), None);
    }
}
