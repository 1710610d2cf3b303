//! Becoming a publisher, the operator's approval, what a publisher says about itself, and who belongs to it.

mod become_publisher;
mod decide;
mod edit_profile;
mod members;
mod transfer;

pub use become_publisher::{BecomePublisher, become_publisher};
pub use decide::{Decision, decide_publisher, look_alikes};
pub use edit_profile::edit_profile;
pub use members::{put_member, remove_member};
pub use transfer::transfer_ownership;
