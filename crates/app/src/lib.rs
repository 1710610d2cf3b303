//! Use-cases and background jobs: everything that changes the marketplace goes through here, one function for each
//! thing a person does. Holds the only [`store::Writer`]; knows no HTTP server, no templates, no SQL.

pub mod accounts;
pub mod admin;
pub mod catalog;
pub mod clock;
pub mod context;
pub mod deploy;
pub mod egress;
pub mod error;
pub mod folder;
pub mod jobs;
pub mod links;
pub mod offers;
pub mod pipeline;
pub mod publishers;
pub mod registry;
pub mod secrets;
pub mod settings;
pub mod upstream;

mod key_file;
mod record;
#[cfg(test)]
mod testing;
pub use context::{App, Parts};
pub use key_file::KeyFileError;
