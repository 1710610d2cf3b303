//! The three hands on the database: [`Reader`] only reads, [`Writer`] opens transactions, [`Tx`] is one of them.
//! What they do with it stands in the modules named after the nouns.

use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, SqliteTransactionMode};
use sea_orm::{DbBackend, TransactionOptions, TransactionTrait};

use crate::error::Error;

pub(crate) mod sealed {
    //! Keeps [`super::Source`] and [`super::Sink`] closed: only this crate knows how to reach the connection.
    use sea_orm::DatabaseExecutor;

    pub trait Connected: Send + Sync {
        fn connection(&self) -> DatabaseExecutor<'_>;
    }
}
use sealed::Connected;

/// Where rows can be read: a [`Reader`], or a [`Tx`] that also sees its own changes.
pub trait Source: Connected {}

/// Where a single self-contained change can be made: within a [`Tx`], or alone through a [`Writer`].
pub trait Sink: Connected {}

/// Reads. On SQLite these connections cannot write at all.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) pool: DatabaseConnection,
}

/// Opens transactions. On SQLite there is one connection, so writers queue; never wait for the network, and never
/// begin a second transaction, while one is open.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(crate) pool: DatabaseConnection,
    pub(crate) reader: Reader,
}

/// One transaction. Dropped without [`Tx::commit`] it is rolled back.
#[derive(Debug)]
pub struct Tx {
    pub(crate) inner: DatabaseTransaction,
}

impl Writer {
    /// Opens a transaction; on SQLite with `BEGIN IMMEDIATE`, so that it never fails half-way for want of the lock.
    /// [`Error::Unavailable`] after 20 seconds without a free connection.
    pub async fn begin(&self) -> Result<Tx, Error> {
        let mode = match self.pool.get_database_backend() {
            DbBackend::Sqlite => Some(SqliteTransactionMode::Immediate),
            _ => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: mode,
            ..TransactionOptions::default()
        };
        let inner = self.pool.begin_with_options(options).await?;
        Ok(Tx { inner })
    }

    /// The reading side of the same database.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }
}

impl Tx {
    /// Makes every change of the transaction visible and durable at once.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }

    /// Drops every change, and says so when that fails. Dropping the value does the same silently.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.inner.rollback().await?)
    }
}

impl Connected for Reader {
    fn connection(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Connection(&self.pool)
    }
}
impl Connected for Writer {
    fn connection(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Connection(&self.pool)
    }
}
impl Connected for Tx {
    fn connection(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Transaction(&self.inner)
    }
}
impl Source for Reader {}
impl Source for Tx {}
impl Sink for Writer {}
impl Sink for Tx {}
