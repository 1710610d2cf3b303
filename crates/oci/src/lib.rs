//! The vocabulary of the registry protocol: digests, names, references, platforms, manifests with their exact bytes,
//! the `/v2` path grammar parsed into one [`Operation`], ranges, token scopes, error codes and a bounded layer walk.
//!
//! Everything here is pure: no sockets, files, clock or randomness. The layer walk reads from whatever `Read` it is
//! given and touches nothing else. HTTP status codes, storage and permissions belong to other crates.
//!
//! Specifications: OCI distribution-spec 1.1 with the merged changes of the coming version, OCI image-spec 1.1,
//! RFC 9110 §14 (ranges) and the token scope grammar of the distribution project.

#![warn(missing_docs)]

pub mod descriptor;
pub mod digest;
pub mod elf;
pub mod error_code;
pub mod image_config;
pub mod image_reference;
pub mod images;
pub mod layer;
pub mod manifest;
pub mod media_type;
pub mod operation;
pub mod platform;
pub mod range;
pub mod reference;
pub mod repository;
pub mod scope;
pub mod tag;

mod agent_reference;
mod excerpt;
mod json;
mod string_value;

pub use agent_reference::{AgentReferenceError, agent_accepts};
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestAlgorithm, DigestError, DigestHasher};
pub use error_code::{ErrorCode, error_body};
pub use image_config::{CONFIG_BYTES_MAX, ImageConfig, ImageConfigError};
pub use image_reference::{ImageReference, ImageReferenceError};
pub use images::images_of;
pub use json::{JSON_DEPTH_MAX, JSON_VALUES_MAX, JsonError};
pub use manifest::{DESCRIPTORS_MAX, MANIFEST_BYTES_MAX, Manifest, ManifestBody, ManifestError};
pub use media_type::ManifestKind;
pub use operation::{Action, Operation, ParseError};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError};
pub use repository::{REPOSITORY_NAME_BYTES_MAX, RepositoryName, RepositoryNameError};
pub use scope::{AccessEntry, Scope, ScopeError};
pub use tag::{Tag, TagError};
