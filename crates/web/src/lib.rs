//! The web of Edgemart: storefront, portal, review and operation pages, JSON API, image registry.
//!
//! Pages are askama templates in `templates/`, put together from the pieces in
//! `templates/pieces/`; their words are in `messages/`, what the browser loads is in `static/`.
//! What this crate leaves out: decisions (they are `domain`'s and `app`'s) and SQL.

pub mod format;
pub mod layout;
pub mod line;
pub mod messages;
pub mod pieces;
pub mod registry;
pub mod static_files;
pub mod styleguide;
pub mod trial;
pub mod view;

mod account;
mod admin;
mod api;
mod body;
mod certification;
mod fields;
mod form;
mod page;
mod params;
mod peer;
mod portal;
pub mod problem;
mod review;
mod router;
pub mod routes;
mod runs;
pub mod state;
mod storefront;
mod traffic;
mod upload;
mod visitor;

pub use api::document as api_description;
pub use router::router;
pub use state::Options;
