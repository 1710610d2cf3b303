//! The registry over a real socket, on both pairs of database and storage: SQLite with a folder, PostgreSQL with S3.
//! Protocol rules are restated here in our own words; skopeo, podman and buildah then say whether we read them right.

mod access;
mod clients;
mod hostile;
mod http;
mod manifests;
mod market;
mod races;
mod search;
mod tokens;
mod uploads;
