//! An IoT Edge environment for the modules of one device: what a module's SDK finds on a real device, without a cloud.
//!
//! [`Environment`] starts it: a throwaway certificate authority, a workload socket a module, and an edge hub. The middle
//! is tested without a socket: packets ([`mqtt`]), topics ([`topic`]), tokens ([`token`]), twins ([`twin`]), routes
//! ([`routing`]), the hub itself ([`hub`]). Everything seen goes into the event [`log`].
//! [`runner`] starts a module in a container inside such an environment and watches it work.
//! It has no database, no templates, and judges nothing: that is crate `certify`.

mod authority;
mod environment;
pub mod hub;
pub mod identity;
pub mod log;
pub mod message;
pub mod mqtt;
mod names;
pub mod routing;
pub mod runner;
pub mod stage;
pub mod token;
pub mod topic;
pub mod twin;
pub mod workload;

/// Version of the environment, as verdicts name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use authority::{Authority, AuthorityError, Issued, Purpose};
pub use environment::{Environment, EnvironmentError, MODULES_MAX, ModuleSettings, Settings};
