//! The marketplace's own vocabulary and rules: publishers, offers, plans, submissions and their lifecycle, roles,
//! defaults, routes, deployment manifests. Pure: no I/O, no async, no clock, no SQL, no HTTP.
//! It does not certify (crate `certify`) and does not keep anything (crate `store`).

pub mod actor;
pub mod behaviour;
pub mod complete;
pub mod create_options;
pub mod defaults;
pub mod deployment;
pub mod env;
pub mod html;
pub mod ids;
pub mod lifecycle;
pub mod logo;
pub mod matrix;
pub mod offer;
pub mod overlay;
pub mod placeholder;
pub mod release;
pub mod role;
pub mod route;
pub mod tag;
pub mod taxonomy;
pub mod twin;
pub mod violation;
