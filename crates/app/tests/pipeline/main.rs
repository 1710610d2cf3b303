//! The main job, through the use-cases, on real parts: Debian's `docker-registry` upstream, SQLite and PostgreSQL.

mod market;
mod refusals;
mod story;
