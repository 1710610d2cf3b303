//! What the store promises, told once a noun and run on SQLite and on PostgreSQL; blobs on a folder and on S3.

#![expect(clippy::unwrap_used, reason = "a story that goes wrong panics")]

mod accounts;
mod backup;
mod blobs;
mod condemned;
mod engine;
mod jobs;
mod migrations;
mod offers;
mod publishers;
mod pulls;
mod registry;
mod releases;
mod rows;
mod runs;
mod submissions;
mod takedowns;
mod uploads;
mod usage;
