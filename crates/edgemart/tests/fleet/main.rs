//! The real binary, killed at many points and run as replicas: what is visible is always complete, and nothing is lost.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a story that goes wrong panics, and its parts are shared by modules"
)]

mod kill;
mod place;
mod replicas;
mod resume;
mod server;
