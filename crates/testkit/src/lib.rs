//! What tests stand on: real databases, an S3 server, registries, images, hostile servers. For tests only; no crate of
//! the product depends on it. What a test needs and the machine does not have is a loud failure, never a skip.

pub mod archive;
pub mod azurite;
pub mod browser;
pub mod certificate;
pub mod engines;
pub mod fault;
pub mod folder;
pub mod hostile;
pub mod http;
pub mod image;
pub mod podman;
pub mod postgres;
pub mod process;
pub mod registry;
pub mod runs;
pub mod s3;
pub mod steps;
pub mod token;
