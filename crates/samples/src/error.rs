//! What can be wrong with a request to the sample catalog.

use std::fmt;

/// Why a sample image was not built.
#[derive(Debug)]
pub enum SampleError {
    /// No sample module has this name.
    UnknownModule(String),
    /// The sample program is not built for this platform.
    UnknownPlatform(String),
    /// Packing a layer or writing its JSON failed.
    Pack(std::io::Error),
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModule(name) => {
                let known: Vec<&str> = crate::modules().iter().map(|module| module.name).collect();
                write!(
                    f,
                    "no sample module is called `{name}`; there are {}",
                    known.join(", ")
                )
            }
            Self::UnknownPlatform(platform) => {
                let known = crate::PLATFORMS.join(", ");
                write!(
                    f,
                    "the sample program is not built for `{platform}`, only for {known}"
                )
            }
            Self::Pack(_) => f.write_str("packing a sample image failed"),
        }
    }
}

impl std::error::Error for SampleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Pack(reason) => Some(reason),
            Self::UnknownModule(_) | Self::UnknownPlatform(_) => None,
        }
    }
}

impl From<std::io::Error> for SampleError {
    fn from(reason: std::io::Error) -> Self {
        Self::Pack(reason)
    }
}

impl From<serde_json::Error> for SampleError {
    fn from(reason: serde_json::Error) -> Self {
        Self::Pack(reason.into())
    }
}
