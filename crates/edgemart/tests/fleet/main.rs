//! The real binary, killed at many points and run as replicas: what is visible is always complete, and nothing is lost.
//! And what its operator does with it: TLS, keys, set-up, stopping.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a story that goes wrong panics, and its parts are shared by modules"
)]

mod backup;
mod full_disk;
mod keys;
mod kill;
mod kill_steps;
mod limits;
mod open_files;
mod operator;
mod place;
mod platforms;
mod replicas;
mod resume;
mod runs;
mod server;
mod stopping;
mod tls;
mod work;
