//! What only the operator decides about the installation: the certification policy, the support matrix, and the keys that
//! seal secrets.

mod policy;
mod secret_keys;

pub use policy::{MATRIX_ROWS_MAX, SETTING_BYTES_MAX, change_policy, put_matrix, put_policy};
pub use secret_keys::{KeyUse, Rotation, rotate_secret_keys, secret_keys};
