//! The real binary, killed at many points and run as replicas: what is visible is always complete, and nothing is lost.

mod kill;
mod place;
mod replicas;
mod server;
