//! Platforms such as `linux/arm/v7`, and the spellings that mean the same one.
//!
//! Windows versions and CPU features of image-spec are left out: IoT Edge modules are chosen by operating system,
//! architecture and variant.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;
use crate::string_value::string_value;

/// The longest part of a platform, in bytes.
pub const PLATFORM_PART_BYTES_MAX: usize = 32;

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Not two or three parts.
    #[error(
        "platform '{found}' must be os/architecture or os/architecture/variant, for example linux/arm/v7"
    )]
    Parts {
        /// The text, shortened.
        found: String,
    },
    /// A part is empty, too long or holds another character.
    #[error(
        "platform part '{found}' must have 1 to {PLATFORM_PART_BYTES_MAX} lower-case letters, digits, '.', '_' or '-'"
    )]
    Part {
        /// The part, shortened.
        found: String,
    },
}

/// An operating system and processor. Compare [`Platform::normalized`] values: `arm64/v8` and `arm64` differ as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Go's GOOS, for example `linux`.
    pub os: String,
    /// Go's GOARCH, for example `amd64`.
    pub architecture: String,
    /// The variant, for example `v7` of `arm`.
    pub variant: Option<String>,
}

impl Platform {
    /// From three texts; an empty variant counts as none.
    ///
    /// # Errors
    /// When a part breaks the grammar.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Result<Self, PlatformError> {
        let part = |text: &str| {
            let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
            if text.is_empty() || text.len() > PLATFORM_PART_BYTES_MAX || !text.bytes().all(allowed)
            {
                return Err(PlatformError::Part {
                    found: excerpt(text),
                });
            }
            Ok(text.to_owned())
        };
        Ok(Self {
            os: part(os)?,
            architecture: part(architecture)?,
            variant: variant
                .filter(|variant| !variant.is_empty())
                .map(part)
                .transpose()?,
        })
    }

    /// The one spelling of this platform: `x86_64` becomes `amd64`, `arm64/v8` becomes `arm64`, `arm` becomes `arm/v7`.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let os = if self.os == "macos" {
            "darwin"
        } else {
            &self.os
        };
        let (architecture, implied) = match self.architecture.as_str() {
            "x86_64" | "x86-64" => ("amd64", None),
            "i386" | "i486" | "i586" | "i686" | "x86" => ("386", None),
            "aarch64" => ("arm64", None),
            "armhf" | "armv7" | "armv7l" | "armv7hf" => ("arm", Some("v7")),
            "armel" | "armv6" | "armv6l" => ("arm", Some("v6")),
            "armv8l" => ("arm", Some("v8")),
            other => (other, None),
        };
        let variant = match (architecture, self.variant.as_deref().or(implied)) {
            ("arm", None | Some("7")) => Some("v7"),
            ("arm", Some("5")) => Some("v5"),
            ("arm", Some("6")) => Some("v6"),
            ("arm", Some("8")) => Some("v8"),
            ("arm64", Some("8" | "v8")) | ("amd64", Some("v1")) => None,
            (_, variant) => variant,
        };
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }

    /// `unknown/unknown`: how builders mark attestations that no device runs.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }

    /// Whether two spellings mean the same platform.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        match *text.split('/').take(4).collect::<Vec<_>>() {
            [os, architecture] => Self::new(os, architecture, None),
            [_, _, ""] => Err(PlatformError::Part {
                found: String::new(),
            }),
            [os, architecture, variant] => Self::new(os, architecture, Some(variant)),
            _ => Err(PlatformError::Parts {
                found: excerpt(text),
            }),
        }
    }
}

string_value!(Platform);

/// The JSON object form used inside descriptors (image-spec image-index.md).
pub(crate) mod object {
    use super::Platform;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Object {
        #[serde(default)]
        architecture: String,
        #[serde(default)]
        os: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
    }

    pub(crate) fn serialize<S: Serializer>(
        platform: &Option<Platform>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let object = platform.clone().map(|platform| Object {
            architecture: platform.architecture,
            os: platform.os,
            variant: platform.variant,
        });
        object.serialize(serializer)
    }

    /// Some builders write an object with both texts empty where they mean "no platform".
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Platform>, D::Error> {
        let Some(object) = Option::<Object>::deserialize(deserializer)? else {
            return Ok(None);
        };
        if object.os.is_empty() && object.architecture.is_empty() {
            return Ok(None);
        }
        Platform::new(
            &object.os.to_ascii_lowercase(),
            &object.architecture.to_ascii_lowercase(),
            object
                .variant
                .map(|variant| variant.to_ascii_lowercase())
                .as_deref(),
        )
        .map(Some)
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_platform() {
        let table = [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm64", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/armv7l", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armv6l", "linux/arm/v6"),
            ("linux/i686", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
            ("linux/riscv64", "linux/riscv64"),
        ];
        for (written, normal) in table {
            assert_eq!(
                platform(written).normalized().to_string(),
                normal,
                "{written}"
            );
            assert!(platform(written).is_same(&platform(normal)));
        }
        assert!(!platform("linux/arm/v6").is_same(&platform("linux/arm/v7")));
        assert!(platform("unknown/unknown").is_unknown());
        assert!(!platform("linux/amd64").is_unknown());
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/",
            "linux/arm/v7/x",
            "Linux/amd64",
            "linux/amd 64",
            "linux/\0",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
        assert!(
            format!("linux/{}", "a".repeat(33))
                .parse::<Platform>()
                .is_err()
        );
    }

    #[test]
    fn json_is_a_string() {
        assert_eq!(
            serde_json::to_string(&platform("linux/arm/v7")).unwrap(),
            "\"linux/arm/v7\""
        );
        assert_eq!(
            serde_json::from_str::<Platform>("\"linux/amd64\"").unwrap(),
            platform("linux/amd64")
        );
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_identity(text in "[a-z0-9._-]{1,8}/[a-z0-9._-]{1,8}(/[a-z0-9._-]{1,4})?") {
            let parsed = platform(&text);
            prop_assert_eq!(parsed.to_string(), text);
            prop_assert_eq!(parsed.normalized().normalized(), parsed.normalized());
            prop_assert_eq!(parsed.normalized().to_string().parse::<Platform>(), Ok(parsed.normalized()));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in "\\PC{0,40}") {
            if let Ok(parsed) = text.parse::<Platform>() {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
    }
}
