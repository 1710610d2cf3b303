//! What Edgemart keeps: rows on SQLite or PostgreSQL through SeaORM, blobs in a folder or an S3 bucket.
//!
//! One module a noun, the same noun as in `app` and `web`; reads take a [`Source`], changes take a [`Tx`]. Times are
//! microseconds since 1970 (UTC) and ids are UUIDv7 texts, both given by the caller. Who may do what is not decided
//! here, and nothing here calls the network but the database and the object store.
//!
//! Portable subset that keeps one code path for both engines: ids, enums and JSON are TEXT (JSON is never queried
//! inside), times and numbers BIGINT, flags BOOLEAN, bytes BLOB/BYTEA; at most 500 bound values a statement; every list
//! has an explicit order, and every text compares by bytes. Where the engines differ stands in `dialect.rs`.

pub mod accounts;
pub mod backup;
pub mod blobs;
pub mod catalog_version;
pub mod credentials;
pub mod events;
pub mod jobs;
pub mod leads;
pub mod media;
pub mod members;
pub mod offers;
pub mod preview_audience;
pub mod publishers;
pub mod registry;
pub mod releases;
pub mod runs;
pub mod sessions;
pub mod settings;
pub mod setup_links;
pub mod steps;
pub mod submissions;
pub mod takedowns;
pub mod tokens;

mod column;
mod connect;
mod dialect;
mod digests;
#[expect(
    unreachable_pub,
    reason = "SeaORM's derives write public items into private modules"
)]
mod entity;
mod error;
mod migration;
mod open;
mod source;
mod write;

pub use blobs::{BlobError, Blobs, CommitError};
pub use error::Error;
pub use open::{
    OpenError, StorageKeys, Store, attach, backup_sqlite, check_sqlite, health, open, sqlite_file,
    sqlite_url,
};
pub use registry::pull_tokens;
pub use source::{Reader, Sink, Source, Tx, Writer};
