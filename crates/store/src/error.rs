//! What can go wrong between the application and its database. A missing row is no error: it is an `Option`.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// Why a read or a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row with the same unique value is already there. The text names what had to be unique; the transaction
    /// goes on and may still be committed.
    #[error("{0} is already taken")]
    Conflict(&'static str),
    /// Somebody else is at it for a moment: the same work will succeed soon.
    #[error("{0}; try again in a moment")]
    Busy(&'static str),
    /// The database did not answer, was busy for too long or broke off: the same work may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] DbErr),
    /// What stands in the database is not what this program writes.
    #[error("table {table}, row {row}, column {column}: {what}")]
    Inconsistent {
        /// Table name.
        table: &'static str,
        /// Primary key as text.
        row: String,
        /// Column name.
        column: &'static str,
        /// What was found and what was expected.
        what: String,
    },
    /// A statement that the database refused: a mistake in this program.
    #[error("the database refused a statement: {0}")]
    Other(#[source] DbErr),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_passing(&error) {
            Self::Unavailable(error)
        } else {
            Self::Other(error)
        }
    }
}

/// Faults of the moment: pool or lock time-outs, lost connections, deadlocks, a full or failing disk.
fn is_passing(error: &DbErr) -> bool {
    let source = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => source,
        _ => return false,
    };
    match source.as_ref() {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some()
            {
                // BUSY, LOCKED, IOERR, FULL, CANTOPEN; the primary code is the low byte of the extended one.
                let primary = code.parse::<u32>().unwrap_or_default() & 0xff;
                matches!(primary, 5 | 6 | 10 | 13 | 14)
            } else {
                // Connection faults, insufficient resources, operator intervention, serialization and deadlock.
                ["08", "53", "57P", "40"]
                    .iter()
                    .any(|class| code.starts_with(class))
            }
        }
        _ => false,
    }
}

/// Whether the database refused a change because a unique value is taken.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_))
    )
}
