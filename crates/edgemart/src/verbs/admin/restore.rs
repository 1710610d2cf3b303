//! `edgemart admin restore`: an installation from a backup. Images and pictures come first, each verified, the database
//! last, so that an interrupted run leaves nothing that looks like a marketplace and can be run again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use store::Blobs;
use store::backup::{PATIENCE, copy_bytes};
use store::blobs::Before;

use super::backup::{
    SNAPSHOT, absolute, address, bytes_of, complete, failed, folder_address, say, storage_keys,
    told_of,
};
use super::installation::Installation;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Restores an installation from a backup.
///
/// The configuration says where to: a data folder without a database, and any storage. The database is checked and every
/// image verified. Put the keys (secrets.key, tokens.key) into the data folder before the server starts.
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin restore /backup/edgemart --data /var/lib/edgemart"
)]
pub(super) struct Restore {
    /// Folder of `edgemart admin backup`.
    folder: PathBuf,
    /// Which copy of the database in it; the newest unless given.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<String>,
    /// Only images and pictures, after the metadata went back into PostgreSQL.
    #[arg(long, conflicts_with = "snapshot")]
    bytes_only: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Restore {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let config = self.installation.configuration()?;
        let keys = storage_keys(&config);
        let bytes = bytes_of_existing(&self.folder)?;
        if self.bytes_only {
            let store = store::attach(&config.database_url, &config.storage_url, keys.as_ref())
                .await
                .map_err(|error| {
                    Failure::new(Exit::Failure, "the installation cannot be opened").why(error)
                })?;
            let ways = (&bytes, &store.blobs);
            let tally = copy_bytes(&store.reader, ways, Before::Read, PATIENCE)
                .await
                .map_err(|error| failed(&self.folder, error))?;
            global.show(&json!({"bytes": told_of(&tally)}), String::new)?;
            say(&tally);
            return complete(&tally, "the backup", "restored");
        }
        let Some(goal) = store::sqlite_file(&config.database_url) else {
            return Err(Failure::new(
                Exit::Failure,
                "this installation keeps its metadata in PostgreSQL",
            )
            .fix("let pg_restore bring it back, then run this with --bytes-only"));
        };
        refuse_what_is_there(&goal)?;
        let file = self.chosen()?;
        let scratch = beside(&goal)?;
        let part = scratch.path().join("copy.db");
        std::fs::copy(&file, &part)
            .and_then(|_| std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o600)))
            .map_err(|error| failed(&file, error))?;
        let target = Blobs::at(&config.storage_url, keys.as_ref()).map_err(|error| {
            Failure::new(Exit::Failure, "the storage cannot be opened").why(error)
        })?;
        let tally = fill(&part, &bytes, &target).await.map_err(|error| {
            Failure::new(
                Exit::Invalid,
                format!("{} cannot be restored", file.display()),
            )
            .why(error)
        })?;
        publish(&part, &goal)?;
        let told = json!({"snapshot": file, "database": goal, "bytes": told_of(&tally)});
        global.show(&told, String::new)?;
        say(&tally);
        tell(&format!(
            "Restored {} from {}.",
            goal.display(),
            file.display()
        ));
        let there = |name: &str| config.data.join(name).is_file();
        if !there("secrets.key") || !there("tokens.key") {
            tell(&format!(
                "Put secrets.key and tokens.key into {} before the server starts; without the first, stored registry passwords must be given again.",
                config.data.display()
            ));
        }
        complete(&tally, "the backup", "restored")
    }

    /// The copy of the database to take.
    fn chosen(&self) -> Result<PathBuf, Failure> {
        if let Some(name) = &self.snapshot {
            let file = self.folder.join(name);
            return match file.is_file() {
                true => Ok(file),
                false => Err(Failure::new(
                    Exit::NotFound,
                    format!("there is no {}", file.display()),
                )),
            };
        }
        let names = std::fs::read_dir(&self.folder)
            .map_err(|error| failed(&self.folder, error))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(SNAPSHOT.0) && name.ends_with(SNAPSHOT.1));
        match names.max() {
            Some(newest) => Ok(self.folder.join(newest)),
            None => Err(Failure::new(
                Exit::NotFound,
                format!("{} holds no copy of a database", self.folder.display()),
            )
            .fix("name the folder that `edgemart admin backup` wrote")),
        }
    }
}

/// Opening would make a folder where there is none.
fn bytes_of_existing(folder: &Path) -> Result<Blobs, Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(
            Exit::NotFound,
            format!("there is no folder {}", folder.display()),
        ));
    }
    bytes_of(folder)
}

/// What SQLite keeps beside a database while it is used. One that is left over would be played into the restored one.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

fn refuse_what_is_there(goal: &Path) -> Result<(), Failure> {
    if goal.symlink_metadata().is_ok() {
        return Err(taken(goal));
    }
    for ending in BESIDE {
        let mut name = goal.as_os_str().to_owned();
        name.push(ending);
        let file = PathBuf::from(name);
        if file.symlink_metadata().is_ok() {
            return Err(Failure::new(
                Exit::Conflict,
                format!("{} is left over from another database", file.display()),
            )
            .why("SQLite would play it into the restored one")
            .fix("move it away together with the database it belongs to"));
        }
    }
    Ok(())
}

fn taken(goal: &Path) -> Failure {
    Failure::new(
        Exit::Conflict,
        format!("there is a database {} already", goal.display()),
    )
    .why("a restore never overwrites one")
    .fix("name an empty data folder, or move the old one away")
}

/// Gives the finished copy its name, unless somebody made a database there meanwhile; durable when this returns.
fn publish(part: &Path, goal: &Path) -> Result<(), Failure> {
    refuse_what_is_there(goal)?;
    let linked = std::fs::File::open(part)
        .and_then(|copy| copy.sync_all())
        .and_then(|()| std::fs::hard_link(part, goal));
    linked.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => taken(goal),
        _ => failed(goal, error),
    })?;
    let folder = absolute(goal)?;
    let folder = folder.parent().unwrap_or_else(|| Path::new("/"));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed(folder, error))
}

fn beside(goal: &Path) -> Result<tempfile::TempDir, Failure> {
    let goal = absolute(goal)?;
    let folder = goal.parent().unwrap_or_else(|| Path::new("/"));
    std::fs::create_dir_all(folder)
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(".edgemart-restore-")
                .tempdir_in(folder)
        })
        .map_err(|error| failed(&goal, error))
}

/// Checks the copy and brings the bytes that it names.
async fn fill(
    part: &Path,
    bytes: &Blobs,
    target: &Blobs,
) -> Result<store::backup::Tally, Box<dyn std::error::Error>> {
    // Opened as what it will be: a copy of an older version is brought up to date here, one of a newer is refused.
    let scratch = folder_address(&part.with_extension("bytes"))?;
    let store = store::open(&address(part)?, &scratch, None).await?;
    if let Some(broken) = store::check_sqlite(&store.reader).await? {
        return Err(format!("the copy of the database is broken: {broken}").into());
    }
    let tally = copy_bytes(&store.reader, (bytes, target), Before::Read, PATIENCE).await?;
    store.close().await?;
    Ok(tally)
}
