//! The registry over a real socket, on both pairs of database and storage: SQLite with a folder, PostgreSQL with S3.
//! Protocol rules are restated here in our own words; skopeo, podman and buildah then say whether we read them right.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a story is told in one piece and panics when it goes wrong"
)]

mod access;
mod bad_lines;
mod clients;
mod gc;
mod hostile;
mod http;
mod hub;
mod listen;
mod manifests;
mod market;
mod pulls;
mod purity;
mod quota;
mod races;
mod redirect;
mod referrers;
mod refresh;
mod search;
mod sparse;
mod stopped;
mod tokens;
mod uploads;
