//! Opening a store: connect, refuse a database from the future, migrate, open the blob storage.

use std::path::PathBuf;

use sea_orm_migration::MigratorTrait;

use crate::blobs::Blobs;
use crate::connect::{connect, without_secrets};
use crate::dialect;
use crate::error::Error;
use crate::migration::Migrator;
use crate::source::{Reader, Writer};

/// Everything that Edgemart keeps: rows and blobs.
#[derive(Clone, Debug)]
pub struct Store {
    /// Reads rows.
    pub reader: Reader,
    /// Changes rows.
    pub writer: Writer,
    /// Layers, configs, upload chunks and pictures.
    pub blobs: Blobs,
}

impl Store {
    /// Closes all connections; a SQLite database is one whole file afterwards.
    pub async fn close(self) -> Result<(), Error> {
        let Self { reader, writer, .. } = self;
        reader.pool.close().await?;
        writer.pool.close().await?;
        Ok(())
    }
}

/// The key pair for an S3 bucket, or an Azure storage account with its key. Never shown.
#[derive(Clone)]
pub struct StorageKeys {
    /// `AWS_ACCESS_KEY_ID`, or `AZURE_STORAGE_ACCOUNT_NAME`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`, or `AZURE_STORAGE_ACCOUNT_KEY`.
    pub secret_access_key: String,
}

impl std::fmt::Debug for StorageKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StorageKeys(not shown)")
    }
}

/// Why the store did not open. Each text names the address tried, without its password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither SQLite nor PostgreSQL.
    #[error(
        "database address with scheme `{0}`: only sqlite:///path/to/file.db and postgres://host/name are known"
    )]
    DatabaseScheme(String),
    /// SQLite in memory.
    #[error(
        "SQLite in memory cannot be shared by several connections; give a file: sqlite:///path/to/file.db"
    )]
    SqliteInMemory,
    /// There is no SQLite file.
    #[error("there is no database {}; name the installation with --data or --config", .file.display())]
    NoDatabase {
        /// The file.
        file: PathBuf,
    },
    /// The database did not answer, or refused.
    #[error("could not open the database {url}: {source}")]
    Database {
        /// Where.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database was last used by a newer Edgemart.
    #[error(
        "the database has the migration `{found}`, which this version does not know; start the newer version again, or restore the back-up made before the upgrade"
    )]
    SchemaNewer {
        /// The first unknown migration.
        found: String,
    },
    /// The database was last used by an older Edgemart, or never.
    #[error(
        "the database lacks the migration `{missing}`; start `edgemart serve` of this version once, which brings it up to date, or use the version that serves it"
    )]
    SchemaOlder {
        /// The first missing migration.
        missing: String,
    },
    /// A migration failed; on both engines nothing of it remains.
    #[error("could not migrate the database {url}: {source}")]
    Migration {
        /// Where.
        url: String,
        /// Why.
        source: Error,
    },
    /// Neither files nor S3.
    #[error(
        "storage address with scheme `{0}`: only file:///folder, s3://bucket/prefix and az://container/prefix are known"
    )]
    StorageScheme(String),
    /// The storage address is incomplete or wrong.
    #[error("storage address {url}: {what}")]
    Storage {
        /// Which address.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// A folder could not be made.
    #[error("could not make the folder {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Opens the store and brings its tables up to date.
///
/// `database_url`: `sqlite:///absolute/path.db` (made when missing) or `postgres://user:password@host/name`.
/// `storage_url`: `file:///absolute/folder` (made when missing) or
/// `s3://bucket/prefix?endpoint=http://…&region=…&allow_http=true`, for which `keys` are required.
pub async fn open(
    database_url: &str,
    storage_url: &str,
    keys: Option<&StorageKeys>,
) -> Result<Store, OpenError> {
    let blobs = Blobs::at(storage_url, keys)?;
    let writer = connect(database_url).await?;
    migrate(&writer, database_url).await?;
    Ok(Store {
        reader: writer.reader(),
        writer,
        blobs,
    })
}

/// Opens a store that a server of this version keeps, beside it, and changes no table: for the operator's verbs, which
/// must not upgrade a database under an older server. A SQLite file that is not there is not made.
pub async fn attach(
    database_url: &str,
    storage_url: &str,
    keys: Option<&StorageKeys>,
) -> Result<Store, OpenError> {
    // Before anything else is opened, which would make a folder.
    if let Some(file) = sqlite_file(database_url)
        && !file.is_file()
    {
        return Err(OpenError::NoDatabase { file });
    }
    let blobs = Blobs::at(storage_url, keys)?;
    let writer = connect(database_url).await?;
    let failed = |source: Error| OpenError::Migration {
        url: without_secrets(database_url),
        source,
    };
    refuse_newer(&writer, database_url).await?;
    let missing = Migrator::get_pending_migrations(&writer.pool)
        .await
        .map_err(|source| failed(source.into()))?;
    if let Some(migration) = missing.first() {
        return Err(OpenError::SchemaOlder {
            missing: migration.name().to_owned(),
        });
    }
    Ok(Store {
        reader: writer.reader(),
        writer,
        blobs,
    })
}

/// The file of a SQLite address; `None` for other engines.
pub fn sqlite_file(database_url: &str) -> Option<PathBuf> {
    let path = database_url.strip_prefix("sqlite:")?;
    let encoded = url::Url::parse(&format!("file:{path}")).ok();
    let absolute = encoded.filter(|_| path.starts_with("///"));
    let plain = || {
        PathBuf::from(
            path.trim_start_matches("//")
                .split('?')
                .next()
                .unwrap_or(path),
        )
    };
    Some(
        absolute
            .and_then(|url| url.to_file_path().ok())
            .unwrap_or_else(plain),
    )
}

/// The address of a SQLite file, whatever characters its path has; `None` for a path that is not absolute.
pub fn sqlite_url(file: &std::path::Path) -> Option<String> {
    let url = url::Url::from_file_path(file).ok()?;
    Some(url.as_str().replacen("file:", "sqlite:", 1))
}

/// Applies what is missing. Processes that start together take turns.
async fn migrate(writer: &Writer, url: &str) -> Result<(), OpenError> {
    let failed = |source: Error| OpenError::Migration {
        url: without_secrets(url),
        source,
    };
    let turn = dialect::take_turn_to_migrate(writer)
        .await
        .map_err(failed)?;
    refuse_newer(writer, url).await?;
    Migrator::up(&writer.pool, None)
        .await
        .map_err(|source| failed(source.into()))?;
    if let Some(turn) = turn {
        turn.commit().await.map_err(failed)?;
    }
    Ok(())
}

/// Refuses a database with migrations that this version does not know.
async fn refuse_newer(writer: &Writer, url: &str) -> Result<(), OpenError> {
    let applied = Migrator::get_migration_models(&writer.pool)
        .await
        .map_err(|source| OpenError::Migration {
            url: without_secrets(url),
            source: source.into(),
        })?;
    let known = Migrator::migrations();
    let unknown = applied.into_iter().find(|row| {
        known
            .iter()
            .all(|migration| migration.name() != row.version)
    });
    match unknown {
        Some(row) => Err(OpenError::SchemaNewer { found: row.version }),
        None => Ok(()),
    }
}

/// Asks the database for one row: is it there and does it answer?
pub async fn health(reader: &Reader) -> Result<(), Error> {
    Ok(reader.pool.ping().await?)
}

/// Writes a copy of a SQLite database to a file that must not exist yet; readers and writers go on meanwhile.
/// On PostgreSQL it refuses: use `pg_dump`.
pub async fn backup_sqlite(writer: &Writer, path: &std::path::Path) -> Result<(), Error> {
    dialect::vacuum_into(writer, path).await
}

/// Reads a SQLite database through and says what is broken in it; `None` when nothing is.
pub async fn check_sqlite(reader: &Reader) -> Result<Option<String>, Error> {
    dialect::integrity(reader).await
}

#[cfg(test)]
mod tests {
    use super::{sqlite_file, sqlite_url};
    use std::path::{Path, PathBuf};

    #[test]
    fn a_sqlite_file_and_its_address_lead_to_each_other() {
        for path in ["/a/b.db", "/with space/b%20?#.db"] {
            let url = sqlite_url(Path::new(path)).unwrap();
            assert_eq!(sqlite_file(&url), Some(PathBuf::from(path)), "{url}");
        }
        let raw = sqlite_file("sqlite:///var/my data/b.db?mode=rwc");
        assert_eq!(raw, Some(PathBuf::from("/var/my data/b.db")));
        assert_eq!(sqlite_file("sqlite://b.db"), Some(PathBuf::from("b.db")));
        assert_eq!(sqlite_file("postgres://a/b"), None);
        assert_eq!(sqlite_url(Path::new("b.db")), None);
    }
}
