//! A release: what went live once and is never changed. Plan × version × image digest × tags × frozen defaults.

use oci::{Digest, Platform};
use serde::{Deserialize, Serialize};

use crate::defaults::Defaults;
use crate::ids::{OfferKey, PlanName};
use crate::tag::Version;

/// One certified version of a plan, written at go-live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Whose.
    pub key: OfferKey,
    /// Which plan.
    pub plan: PlanName,
    /// `X.Y.Z`.
    pub version: Version,
    /// The index (or the single manifest) that `version` names.
    pub digest: Digest,
    /// Every tag that pointed at this release when it went live.
    pub tags: Vec<String>,
    /// What the image really runs on.
    pub platforms: Vec<ReleasePlatform>,
    /// Frozen defaults.
    pub defaults: Defaults,
    /// What changed.
    pub notes: String,
    /// The submission that made it.
    pub submission: String,
    /// Microseconds since 1970, UTC.
    pub released_at: i64,
}

/// One platform of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleasePlatform {
    /// Such as `linux/arm/v7`.
    pub platform: Platform,
    /// Its image manifest.
    pub digest: Digest,
    /// Config and layers as pulled, in bytes.
    pub compressed_bytes: u64,
    /// Number of layers.
    pub layers: u32,
}
