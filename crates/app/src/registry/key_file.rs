//! The file that holds the token keys: read only when private to this user, written whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use super::keys::KeyError;

/// Bytes of a key file that are read.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File {
        action,
        path,
        source,
    }
}

/// Whether there is a file.
pub(super) fn there(path: &Path) -> Result<bool, KeyError> {
    path.try_exists().map_err(failed("look for", path))
}

/// By which a change of the file is noticed: time, inode and length.
pub(super) fn stamp(path: &Path) -> Option<(SystemTime, u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
}

/// The text of the file. Refuses one that others may read.
pub(super) fn read(path: &Path) -> Result<String, KeyError> {
    let file = File::open(path).map_err(failed("open", path))?;
    let metadata = file.metadata().map_err(failed("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.take(KEY_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(failed("read", path))?;
    Ok(text)
}

/// Writes the file with these keys (mode 0600). Without `replace` a file that is there by then stays: of two processes
/// that make it at once, the faster one's keys count.
pub(super) fn make(path: &Path, keys: &[String], replace: bool) -> Result<(), KeyError> {
    let text = format!(
        "# Signs registry tokens. First key signs, all verify.\n{}\n",
        keys.join("\n")
    );
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&draft).map_err(failed("create", path))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed("write", path))?;
    if replace {
        return std::fs::rename(&draft, path).map_err(failed("replace", path));
    }
    // A hard link never replaces a file.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(failed("remove the draft of", path))?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(failed("create", path)(error))
        }
        _ => Ok(()),
    }
}
