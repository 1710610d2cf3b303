//! `edgemart admin backup`: a consistent copy of the SQLite database of an installation on this machine, while it
//! serves. Left out: images (they never change once written, so any copy tool will do) and keys, which belong elsewhere.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::{Config, Flags, load};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin backup /backup/edgemart-2026-11-22.db --data /var/lib/edgemart"
)]
pub(super) struct Backup {
    /// The copy; it must not exist yet.
    file: PathBuf,
    /// Configuration file of the installation; `edgemart.toml` in this folder when it is there.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of the database.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let flags = Flags {
            config: self.config.clone(),
            data: self.data.clone(),
            ..Flags::default()
        };
        let config = load(&flags).map_err(|error| {
            Failure::new(Exit::Failure, "the configuration cannot be used").why(error)
        })?;
        require_database(&config)?;
        if self.file.exists() {
            return Err(Failure::new(
                Exit::Conflict,
                format!("{} is there already", self.file.display()),
            )
            .why("a backup is never overwritten")
            .fix("choose another name"));
        }
        let bytes = copy(&config, &self.file).await?;
        global.show(&json!({"file": self.file, "bytes": bytes}), String::new)?;
        tell(&format!(
            "{}: {}.",
            self.file.display(),
            web::format::bytes(bytes)
        ));
        tell(&format!(
            "Images ({}) and keys (*.key in {}) are not in it.",
            config.storage_url,
            config.data.display()
        ));
        Ok(())
    }
}

/// Opening would make an empty database where there is none, and its copy would look like a backup.
fn require_database(config: &Config) -> Result<(), Failure> {
    let Some(path) = config.database_url.strip_prefix("sqlite://") else {
        return Err(Failure::new(
            Exit::Failure,
            "this installation keeps its metadata in PostgreSQL",
        )
        .fix("use pg_dump, which copies it while in use"));
    };
    let path = path.split('?').next().unwrap_or(path);
    if Path::new(path).is_file() {
        return Ok(());
    }
    Err(
        Failure::new(Exit::NotFound, format!("there is no database {path}"))
            .fix("name the installation with --data or --config"),
    )
}

/// Copies into a private folder next to the goal, so that passwords' hashes are never readable by others and the copy
/// has its name only when it is complete.
async fn copy(config: &Config, file: &Path) -> Result<u64, Failure> {
    let what = || {
        Failure::new(
            Exit::Failure,
            format!("{} cannot be written", file.display()),
        )
    };
    let failed = |error: std::io::Error| what().why(error);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let scratch = tempfile::Builder::new()
        .prefix(".edgemart-backup-")
        .tempdir_in(folder)
        .map_err(failed)?;
    let part = scratch.path().join("copy.db");
    let keys = crate::run::storage_keys();
    let store = store::open(&config.database_url, &config.storage_url, keys.as_ref())
        .await
        .map_err(|error| Failure::new(Exit::Failure, "the database cannot be opened").why(error))?;
    store::backup_sqlite(&store.writer, &part)
        .await
        .map_err(|error| what().why(error))?;
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let bytes = std::fs::metadata(&part).map_err(failed)?.len();
    std::fs::rename(&part, file).map_err(failed)?;
    Ok(bytes)
}
