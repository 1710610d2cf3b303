//! `edgemart admin backup`: everything of this machine's installation but its keys, into a folder, while it serves. The
//! database is copied as it stood at one moment, then the images and pictures that this copy names; they never change
//! once written, so a later backup into the same folder only adds what is new. Left out: keys, which belong elsewhere,
//! and uploads under way.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use store::backup::{PATIENCE, Tally, copy_bytes};
use store::blobs::Before;
use store::{Blobs, Store};

use super::installation::Installation;
use crate::config::Config;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Where images and pictures lie in a backup.
const BYTES: &str = "bytes";
/// How the copies of a database begin and end; the moment stands in between, so that names sort by time.
pub(super) const SNAPSHOT: (&str, &str) = ("edgemart-", ".db");

/// Backs this machine's installation up into a folder, while it serves.
///
/// Opens its database and storage. The folder may hold earlier backups: only new images are copied. Keys (*.key) are not
/// in it: keep them apart, without them stored registry passwords cannot be opened. Metadata in PostgreSQL is dumped by
/// pg_dump, first; --bytes-only adds the images then.
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin backup /backup/edgemart --data /var/lib/edgemart"
)]
pub(super) struct Backup {
    /// The folder; made when missing.
    folder: PathBuf,
    /// Only images and pictures, for metadata in PostgreSQL or for a storage with a backup of its own.
    #[arg(long, conflicts_with = "metadata_only")]
    bytes_only: bool,
    /// Only the database, when images are backed up by other means.
    #[arg(long)]
    metadata_only: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Backup {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let config = self.installation.configuration()?;
        let sqlite = store::sqlite_file(&config.database_url).is_some();
        if !sqlite && !self.bytes_only {
            return Err(in_postgresql(&self.folder));
        }
        let store = open(&config).await?;
        make_private(&self.folder)?;
        let copy = match self.bytes_only {
            true => None,
            false => Some(Snapshot::take(&store, &self.folder).await?),
        };
        let mut tally = None;
        if !self.metadata_only {
            make_private(&self.folder.join(BYTES))?;
            // The copy says which bytes belong to it, whatever is published meanwhile.
            let named = copy.as_ref().map_or(&store, |copy| &copy.store);
            let target = bytes_of(&self.folder)?;
            let ways = (&store.blobs, &target);
            let copied = copy_bytes(&named.reader, ways, Before::Trusted, PATIENCE).await;
            tally = Some(copied.map_err(|error| failed(&self.folder, error))?);
        }
        let mut told = json!({"folder": self.folder});
        if let Some(copy) = copy {
            let (file, bytes) = copy.keep(&self.folder).await?;
            told["database"] = json!({"file": file, "bytes": bytes});
            tell(&format!(
                "{}: {}.",
                file.display(),
                web::format::bytes(bytes)
            ));
        }
        if let Some(tally) = &tally {
            told["bytes"] = told_of(tally);
            say(tally);
        }
        global.show(&told, String::new)?;
        tell(&format!(
            "Keys (*.key in {}) are not in it; keep a copy elsewhere.",
            config.data.display()
        ));
        tally.map_or(Ok(()), |tally| complete(&tally, "the storage", "copied"))
    }
}

/// What to do instead, ready to paste.
fn in_postgresql(folder: &Path) -> Failure {
    let folder = folder.display();
    Failure::new(Exit::Failure, "this installation keeps its metadata in PostgreSQL")
        .why("pg_dump copies it as it stands at one moment, and is part of PostgreSQL")
        .points([
            format!("first: mkdir -p {folder} && pg_dump --format=custom --file={folder}/edgemart.dump \"$EDGEMART_DATABASE_URL\""),
            format!("then:  edgemart admin backup {folder} --bytes-only"),
            format!("back:  pg_restore --no-owner --dbname=\"$EDGEMART_DATABASE_URL\" {folder}/edgemart.dump && edgemart admin restore {folder} --bytes-only"),
        ])
        .fix("run these in this order: images first would miss what is published in between")
}

pub(super) fn storage_keys(config: &Config) -> Option<store::StorageKeys> {
    crate::run::storage_keys(&config.storage_url)
}

async fn open(config: &Config) -> Result<Store, Failure> {
    store::attach(
        &config.database_url,
        &config.storage_url,
        storage_keys(config).as_ref(),
    )
    .await
    .map_err(|error| {
        let exit = match &error {
            store::OpenError::NoDatabase { .. } => Exit::NotFound,
            _ => Exit::Failure,
        };
        Failure::new(exit, "the installation cannot be opened").why(error)
    })
}

pub(super) fn failed(at: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failure, format!("{} could not be used", at.display())).why(error)
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| failed(path, error))
}

/// What is made here is for this user alone; a folder that was there is somebody's, and keeps its mode.
fn make_private(folder: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failed(folder, error))
}

/// The images and pictures of a backup, as a storage of their own.
pub(super) fn bytes_of(folder: &Path) -> Result<Blobs, Failure> {
    let folder = absolute(folder)?.join(BYTES);
    Blobs::at(&folder_address(&folder)?, None).map_err(|error| failed(&folder, error))
}

const NO_ADDRESS: &str = "its path cannot be written as an address";

pub(super) fn address(file: &Path) -> Result<String, Failure> {
    store::sqlite_url(file).ok_or_else(|| failed(file, NO_ADDRESS))
}

pub(super) fn folder_address(folder: &Path) -> Result<String, Failure> {
    let url = url::Url::from_directory_path(folder).map_err(|()| failed(folder, NO_ADDRESS))?;
    Ok(url.into())
}

/// A copy of the database in a private folder next to its place, so that hashes of passwords are never readable by others
/// and it has its name only when everything that it names is in the backup, too.
struct Snapshot {
    store: Store,
    scratch: tempfile::TempDir,
    name: String,
}

impl Snapshot {
    const PART: &'static str = "copy.db";

    async fn take(store: &Store, folder: &Path) -> Result<Self, Failure> {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let name = format!("{}{now}{}", SNAPSHOT.0, SNAPSHOT.1);
        let folder = absolute(folder)?;
        let scratch = tempfile::Builder::new()
            .prefix(".edgemart-backup-")
            .tempdir_in(&folder)
            .map_err(|error| failed(&folder, error))?;
        let part = scratch.path().join(Self::PART);
        store::backup_sqlite(&store.writer, &part)
            .await
            .map_err(|error| failed(&folder, error))?;
        std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o600))
            .map_err(|error| failed(&part, error))?;
        let store = store::attach(&address(&part)?, &folder_address(scratch.path())?, None)
            .await
            .map_err(|error| failed(&part, error))?;
        Ok(Self {
            store,
            scratch,
            name,
        })
    }

    /// Answers the file and its size in bytes.
    async fn keep(self, folder: &Path) -> Result<(PathBuf, u64), Failure> {
        let (part, file) = (
            self.scratch.path().join(Self::PART),
            folder.join(&self.name),
        );
        self.store
            .close()
            .await
            .map_err(|error| failed(&part, error))?;
        let broken = |error: std::io::Error| failed(&file, error);
        let written = std::fs::File::open(&part).map_err(broken)?;
        written.sync_all().map_err(broken)?;
        let bytes = written.metadata().map_err(broken)?.len();
        std::fs::rename(&part, &file).map_err(broken)?;
        Ok((file, bytes))
    }
}

pub(super) fn told_of(tally: &Tally) -> Value {
    let digests =
        |list: &[oci::Digest]| -> Vec<String> { list.iter().map(ToString::to_string).collect() };
    let unreadable = tally.unreadable.iter();
    let unreadable: Vec<Value> = unreadable
        .map(|(digest, why)| json!({"digest": digest, "why": why}))
        .collect();
    json!({
        "copied": tally.copied,
        "bytes": tally.bytes,
        "before": tally.before,
        "missing": digests(&tally.missing),
        "altered": digests(&tally.altered),
        "unreadable": unreadable,
    })
}

pub(super) fn say(tally: &Tally) {
    tell(&format!(
        "{} images and pictures ({}) copied, {} were there before.",
        tally.copied,
        web::format::bytes(tally.bytes),
        tally.before
    ));
}

/// What is copied stays; what cannot be is named.
pub(super) fn complete(tally: &Tally, from: &str, done: &str) -> Result<(), Failure> {
    if tally.is_complete() {
        return Ok(());
    }
    let missing = tally
        .missing
        .iter()
        .map(|digest| format!("{digest} is not there"));
    let altered = tally
        .altered
        .iter()
        .map(|digest| format!("{digest} has other bytes than its name says"));
    let unreadable = tally.unreadable.iter();
    let unreadable = unreadable.map(|(digest, why)| format!("{digest} cannot be read: {why}"));
    Err(Failure::new(
        Exit::Invalid,
        format!(
            "{from} does not give all bytes that the database names; everything else was {done}"
        ),
    )
    .points(missing.chain(altered).chain(unreadable)))
}
