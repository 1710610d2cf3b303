//! Becoming a publisher, the operator's approval, and who belongs to one.

mod become_publisher;
mod decide;
mod members;

pub use become_publisher::{BecomePublisher, become_publisher};
pub use decide::{Decision, decide_publisher};
pub use members::{put_member, remove_member};
