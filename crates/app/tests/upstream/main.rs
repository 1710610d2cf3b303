//! Reading real and hostile registries: Debian's `docker-registry` in every mode of signing in, and servers that lie.

mod auth;
mod common;
mod copy;
mod hostile;
mod real;
