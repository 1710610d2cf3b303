//! A module twin: desired and reported properties, each with a version, changed by merge patches within the limits of
//! an edge hub (edge-runtime fact sheet §1.5).
//!
//! Left out: tags and `$metadata`, which no module SDK needs, and who may change what ([`crate::hub`]).

mod limits;
mod patch;

pub use limits::{DEPTH_MAX, DOCUMENT_BYTES_MAX, LimitError};
pub use patch::{difference, merge};

use serde_json::{Map, Value, json};

/// A twin. Both versions begin at 1 and grow by one with every change.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    desired: Map<String, Value>,
    desired_version: u64,
    reported: Map<String, Value>,
    reported_version: u64,
}

/// Why a patch is refused; the twin is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// No JSON object.
    #[error("a patch is a JSON object: {0}")]
    Json(String),
    /// Breaks a limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl Twin {
    /// A twin with these desired properties and nothing reported.
    ///
    /// # Errors
    /// The properties break a limit.
    pub fn new(desired: &Map<String, Value>) -> Result<Self, PatchError> {
        // Merged as a later change would be: a null among them removes, and is never stored.
        Ok(Self {
            desired: merged(&Map::new(), desired)?,
            desired_version: 1,
            reported: Map::new(),
            reported_version: 1,
        })
    }

    /// The answer to a twin request: no outer `properties`, because the SDKs hand it on as it is.
    pub fn document(&self) -> Value {
        json!({
            "desired": versioned(&self.desired, self.desired_version),
            "reported": versioned(&self.reported, self.reported_version),
        })
    }

    /// Desired properties.
    pub fn desired(&self) -> &Map<String, Value> {
        &self.desired
    }

    /// Version of the desired properties.
    pub fn desired_version(&self) -> u64 {
        self.desired_version
    }

    /// Reported properties.
    pub fn reported(&self) -> &Map<String, Value> {
        &self.reported
    }

    /// Takes a module's patch of its reported properties; gives the new version.
    ///
    /// # Errors
    /// It is no JSON object, or breaks a limit, alone or merged.
    pub fn report(&mut self, patch: &[u8]) -> Result<u64, PatchError> {
        let patch = object(patch)?;
        self.reported = merged(&self.reported, &patch)?;
        self.reported_version += 1;
        Ok(self.reported_version)
    }

    /// Changes desired properties; gives the patch as the module gets it, with its `$version`.
    ///
    /// # Errors
    /// It breaks a limit, alone or merged.
    pub fn change_desired(&mut self, patch: &Map<String, Value>) -> Result<Value, PatchError> {
        self.desired = merged(&self.desired, patch)?;
        self.desired_version += 1;
        Ok(versioned(patch, self.desired_version))
    }
}

/// Reads a patch.
///
/// # Errors
/// It is no JSON object, or nested beyond what the parser follows.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, PatchError> {
    if bytes.len() > 2 * DOCUMENT_BYTES_MAX {
        let limit = LimitError::Document { found: bytes.len() };
        return Err(limit.into());
    }
    serde_json::from_slice(bytes).map_err(|problem| PatchError::Json(problem.to_string()))
}

fn merged(
    section: &Map<String, Value>,
    change: &Map<String, Value>,
) -> Result<Map<String, Value>, PatchError> {
    limits::check(change)?;
    let mut after = section.clone();
    merge(&mut after, change);
    limits::check_size(&after)?;
    Ok(after)
}

fn versioned(section: &Map<String, Value>, version: u64) -> Value {
    let mut section = section.clone();
    section.insert("$version".into(), version.into());
    Value::Object(section)
}

#[cfg(test)]
mod tests;
