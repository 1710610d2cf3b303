//! Deployment manifests of IoT Edge: built from modules, read from text without losing a byte, checked by the
//! schema each part names itself, and merged into so that nothing but the insertion changes.
//!
//! Facts: domain fact sheet §12, edge-runtime fact sheet §4. Left out: talking to a hub, and what a device reports.

mod build;
mod diff;
mod document;
mod entry;
mod envelope;
mod image;
mod insert;
mod merge;
mod schema;
mod sections;
mod semantics;
mod validate;
mod view;

pub use build::{full, layered};
pub use diff::{Change, ChangeKind, diff};
pub use document::{Document, Kind, Note, NoteKind, ParseProblem};
pub use entry::{ModuleEntry, RegistryCredentials, RestartPolicy, Runtime};
pub use image::{ImageProblem, check_image};
pub use merge::{Conflict, Form, Merged, merge};
pub use validate::{PROBLEMS_MAX, Problem, validate};

pub use crate::violation::Level;

/// Largest document read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting read.
pub const DOCUMENT_DEPTH_MAX: usize = 64;
/// Modules of one device, without the two system modules (domain fact sheet §12.7).
pub const MODULES_MAX: usize = 50;

#[cfg(test)]
mod tests;
