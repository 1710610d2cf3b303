//! Opening the two engines. Pool sizes, time-outs and SQLite's settings stand here and nowhere else.

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{SqlxPostgresConnector, SqlxSqliteConnector};

use crate::open::OpenError;
use crate::source::{Reader, Writer};

/// How long a caller waits for a free connection, in seconds.
pub(crate) const ACQUIRE_SECONDS_MAX: u64 = 20;
/// How long SQLite waits for another process's lock, in seconds.
pub(crate) const BUSY_SECONDS_MAX: u64 = 10;
/// Read-only connections to a SQLite file.
pub(crate) const SQLITE_READERS_MAX: u32 = 4;
/// Connections to PostgreSQL, reading and writing together.
pub(crate) const POSTGRES_CONNECTIONS_MAX: u32 = 20;

/// The address as it may stand in a log: no user, no password, no parameters.
pub(crate) fn without_secrets(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(url) => format!(
            "{}://{}{}",
            url.scheme(),
            url.host_str().unwrap_or_default(),
            url.path()
        ),
        Err(_) => "(an unreadable address)".to_owned(),
    }
}

/// Connects to what the address names; an unknown scheme is refused by name rather than guessed.
pub(crate) async fn connect(url: &str) -> Result<Writer, OpenError> {
    let refused = |source: sqlx::Error| OpenError::Database {
        url: without_secrets(url),
        source: Box::new(source),
    };
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => sqlite(url, refused).await,
        Some("postgres" | "postgresql") => postgres(url).await.map_err(refused),
        Some(other) => Err(OpenError::DatabaseScheme(other.to_owned())),
        None => Err(OpenError::DatabaseScheme(url.chars().take(20).collect())),
    }
}

async fn postgres(url: &str) -> Result<Writer, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .connect_with(options.application_name("edgemart"))
        .await?;
    let pool = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Writer {
        pool: pool.clone(),
        reader: Reader { pool },
    })
}

/// A path that SQLite keeps in memory would give every connection a database of its own.
fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

async fn sqlite(
    url: &str,
    refused: impl Fn(sqlx::Error) -> OpenError,
) -> Result<Writer, OpenError> {
    if is_in_memory(url) {
        return Err(OpenError::SqliteInMemory);
    }
    let options: SqliteConnectOptions = url.parse().map_err(&refused)?;
    let file: PathBuf = options.get_filename().to_owned();
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|source| OpenError::Folder {
                path: folder.to_owned(),
                source,
            })?;
    }
    let options = options
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX));
    // The writer comes first: it makes the file and turns WAL on. It is never closed while the store lives, so the
    // read-only connections always find the shared-memory file they need.
    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .connect_with(
            options
                .clone()
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // What a commit answered for survives a power cut.
                .synchronous(SqliteSynchronous::Full),
        )
        .await
        .map_err(&refused)?;
    let reader = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS_MAX)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .connect_with(options.create_if_missing(false).read_only(true))
        .await
        .map_err(&refused)?;
    Ok(Writer {
        pool: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        reader: Reader {
            pool: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        },
    })
}
