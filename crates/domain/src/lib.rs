//! The marketplace's own vocabulary and rules: publishers, offers, plans, submissions and their lifecycle, roles,
//! defaults, routes, deployment manifests. Pure: no I/O, no async, no clock, no SQL, no HTTP.
//! It does not certify (crate `certify`) and does not keep anything (crate `store`).

pub mod actor;
pub mod complete;
pub mod html;
pub mod ids;
pub mod lifecycle;
pub mod logo;
pub mod matrix;
pub mod offer;
pub mod release;
pub mod role;
pub mod tag;
pub mod taxonomy;
pub mod violation;
pub mod defaults;
pub mod placeholder;
pub mod route;
pub mod create_options;
pub mod env;
pub mod twin;
pub mod deployment;
