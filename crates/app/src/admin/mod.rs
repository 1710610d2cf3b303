//! What only the operator decides about the installation: the certification policy, the support matrix, what is taken
//! down, and the keys that seal secrets.

mod lift;
mod policy;
mod secret_keys;
mod take_down;
mod withheld;

pub use lift::lift_takedown;
pub use policy::{MATRIX_ROWS_MAX, SETTING_BYTES_MAX, change_policy, put_matrix, put_policy};
pub use secret_keys::{KeyUse, Rotation, rotate_secret_keys, secret_keys};
pub use take_down::{REASON_CHARS_MAX, TakeDown, take_down};
pub(crate) use take_down::{require_not_taken_down, standing};
pub(crate) use withheld::{closures, give_back};
