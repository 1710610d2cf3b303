//! Reading real and hostile registries: Debian's `docker-registry` in every mode of signing in, and servers that lie.

#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up fails by panicking, in helpers too"
)]

mod attached;
mod auth;
mod common;
mod copy;
mod hostile;
mod real;
