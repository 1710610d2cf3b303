//! The main job, through the use-cases, on real parts: Debian's `docker-registry` upstream, SQLite and PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "a story that goes wrong panics, and its parts are shared by modules"
)]

mod attached;
mod emulated;
mod fake_engine;
mod late;
mod links;
mod market;
mod meanwhile;
mod not_run;
mod own;
mod people;
mod preview;
mod purge_races;
mod races;
mod refusals;
mod resume;
mod runs;
mod scrub;
mod set_up;
mod story;
mod takedown;
mod takedowns;
