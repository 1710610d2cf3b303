//! The sample catalog as bytes inside the binary: real OCI images of the sample modules, built in memory for
//! linux/amd64, linux/arm64 and linux/arm/v7, and the sample offers as the files of offers-as-code folders.
//!
//! Everything is deterministic: the same sources give the same digests. Left out: putting any of it anywhere (the
//! demo and the tests do that), and judging the offers (crate `domain` and crate `certify`).

mod catalog;
mod embedded;
mod error;
mod image;
mod layer;
mod offer;

pub use catalog::{Module, Seed, images, modules};
pub use error::SampleError;
pub use image::{INDEX_MEDIA_TYPE, Image, MANIFEST_MEDIA_TYPE, Manifest, image, image_for};
pub use offer::{SampleOffer, offers};

/// The platforms the sample program is built for, as `os/architecture[/variant]`.
pub const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];
