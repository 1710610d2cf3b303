//! SeaORM entities, one file a table, hand-written from the migrations. Only the modules of the same noun use them.

pub mod account;
pub mod blocked_digest;
pub mod catalog_version;
pub mod credential;
pub mod event;
pub mod job;
pub mod lead;
pub mod manifest;
pub mod media;
pub mod member;
pub mod offer;
pub mod publisher;
pub mod pull_token;
pub mod release;
pub mod repository;
pub mod repository_blob;
pub mod repository_manifest;
pub mod repository_tag;
pub mod session;
pub mod setting;
pub mod setup_link;
pub mod step;
pub mod submission;
pub mod token;
pub mod upload;
pub mod upload_chunk;
