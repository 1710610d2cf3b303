//! The workload API: what edgelet offers a module on a unix socket (edge-runtime fact sheet §1.3).
//!
//! One socket a module, as on a device since 1.2.4. The request is read by [`operation`], answered by [`answer`] from
//! the module's [`Credentials`], and served by [`serve`]. Left out: the management API, which only edgeAgent uses, and
//! the check of the caller's process, because nobody but the module is given its socket.

pub mod answer;
mod credentials;
pub mod operation;
mod serve;

pub use credentials::{Credentials, SealError};
pub use serve::{CONNECTIONS_MAX, serve};

/// Bytes of a request body.
pub const BODY_BYTES_MAX: usize = 512 * 1024;

#[cfg(test)]
mod tests;
