//! A file that holds keys, those that seal secrets or those that sign tokens: mode 0600, read only when private to this
//! user, made once, replaced whole and durably. Nothing in here understands keys.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("key file {}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with it.
        why: String,
    },
    /// Others can read the keys.
    #[error(
        "key file {} can be read by others (mode {mode:03o}); run: chmod 600 {}, and consider the keys known",
        .path.display(), .path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

const FILE_BYTES_MAX: u64 = 64 * 1024;
const MODE: u32 = 0o600;
/// Tries at a temporary name that nobody else uses.
const NAMES_MAX: u32 = 16;

/// What changes when the file is replaced or rewritten: size, time of change in seconds and nanoseconds, inode.
pub(crate) type Stamp = (u64, i64, i64, u64);

/// The file's present stamp; `None` when there is no file.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let told = std::fs::metadata(path).ok()?;
    Some((told.len(), told.mtime(), told.mtime_nsec(), told.ino()))
}

/// The file's text; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, KeyFileError> {
    let error = |why: String| KeyFileError::File {
        path: path.to_owned(),
        why,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(error(cause.to_string())),
    };
    // Asked of the open file, so that nobody swaps it in between.
    let metadata = file.metadata().map_err(|cause| error(cause.to_string()))?;
    if !metadata.is_file() {
        return Err(error("is not a file".to_owned()));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(error(format!(
            "has {} bytes, {FILE_BYTES_MAX} are allowed",
            metadata.len()
        )));
    }
    // Room for all of it, so that growing leaves no copies behind.
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|cause| error(cause.to_string()))?;
    Ok(Some(text))
}

/// Makes the file with `text`, or reads it when another process was faster. It appears whole or not at all.
pub(crate) fn create(path: &Path, text: &str) -> Result<Zeroizing<String>, KeyFileError> {
    let error = |cause: std::io::Error| file_error(path, &cause);
    if let Some(folder) = folder(path) {
        std::fs::create_dir_all(folder).map_err(error)?;
    }
    let temporary = write_beside(path, text)?;
    // A hard link fails when the name exists, where a rename would replace another process's keys.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary).map_err(error)?;
    match linked {
        Ok(()) => sync_folder(path)?,
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(error(cause)),
    }
    read(path)?.ok_or_else(|| KeyFileError::File {
        path: path.to_owned(),
        why: "vanished while it was made".to_owned(),
    })
}

/// Replaces the file's text, whole or not at all.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let temporary = write_beside(path, text)?;
    if let Err(cause) = std::fs::rename(&temporary, path) {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        return Err(file_error(path, &cause));
    }
    sync_folder(path)
}

fn write_beside(path: &Path, text: &str) -> Result<PathBuf, KeyFileError> {
    for number in 0..NAMES_MAX {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.{number}.tmp", std::process::id()));
        let temporary = PathBuf::from(name);
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&temporary);
        let mut file = match opened {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => continue,
            Err(cause) => return Err(file_error(path, &cause)),
        };
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
        if let Err(cause) = written {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&temporary);
            return Err(file_error(path, &cause));
        }
        return Ok(temporary);
    }
    Err(KeyFileError::File {
        path: path.to_owned(),
        why: "temporary files of earlier tries are in the way; remove *.tmp beside it".to_owned(),
    })
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
}

fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    let folder = folder(path).unwrap_or_else(|| Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| file_error(path, &cause))
}

fn file_error(path: &Path, cause: &std::io::Error) -> KeyFileError {
    KeyFileError::File {
        path: path.to_owned(),
        why: cause.to_string(),
    }
}
