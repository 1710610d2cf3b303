//! What only the operator decides about the installation: the certification policy and the support matrix.

mod policy;

pub use policy::{MATRIX_ROWS_MAX, SETTING_BYTES_MAX, put_matrix, put_policy};
