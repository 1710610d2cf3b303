//! Files that the user names: read with a limit, replaced at once or not at all.

use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;

use super::failure::{Exit, Failure};

/// Reads a text of at most so many bytes; `-` is stdin.
pub(crate) fn read_text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        let exit = if error.kind() == ErrorKind::NotFound {
            Exit::NotFound
        } else {
            Exit::Failure
        };
        Failure::new(exit, format!("{} cannot be read", path.display())).why(error)
    };
    let bytes = if path == Path::new("-") {
        limited(std::io::stdin().lock(), bytes_max).map_err(failed)?
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        limited(file, bytes_max).map_err(failed)?
    };
    if bytes.len() > bytes_max {
        return Err(
            Failure::new(Exit::Invalid, format!("{} is too large", path.display()))
                .why(format!("at most {} KiB are read", bytes_max / 1024)),
        );
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(
            Exit::Invalid,
            format!("{} is not UTF-8 text", path.display()),
        )
        .why(format!("byte {at} does not belong"))
        .fix("save it as UTF-8")
    })
}

fn limited(from: impl Read, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a text file that still holds `before`. The new text is complete on the disk before it takes the old one's
/// name, with the old one's permissions; a link is followed, so that the file it names changes and not the link.
pub(crate) fn replace_text(path: &Path, before: &str, after: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failure,
            format!("{} cannot be written", path.display()),
        )
        .why(error)
        .fix("nothing was changed; check the permissions of the file and its folder")
    };
    let target = path.canonicalize().map_err(failed)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(&target).map_err(failed)?.permissions();
    // A rename asks the folder's leave only; a file that is marked read-only is to stay as it is.
    if permissions.readonly() {
        return Err(failed(ErrorKind::PermissionDenied.into()));
    }
    let mut file = tempfile::Builder::new()
        .prefix(".edgemart-")
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(after.as_bytes()).map_err(failed)?;
    file.as_file()
        .set_permissions(permissions)
        .map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    if std::fs::read(&target).map_err(failed)? != before.as_bytes() {
        return Err(Failure::new(
            Exit::Conflict,
            format!("{} was changed by someone else meanwhile", path.display()),
        )
        .fix("nothing was written; run the command again"));
    }
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_keeps_its_permissions_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (
            folder.path().join("a.json"),
            folder.path().join("link.json"),
        );
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_text(&link, "old", "new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_changed_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, "theirs").unwrap();
        assert_eq!(
            replace_text(&file, "old", "new").unwrap_err().exit,
            Exit::Conflict
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn limits_and_encodings_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        assert_eq!(read_text(&file, 9).unwrap_err().exit, Exit::NotFound);
        std::fs::write(&file, [b'a', 0xff]).unwrap();
        assert_eq!(read_text(&file, 9).unwrap_err().exit, Exit::Invalid);
        assert_eq!(read_text(&file, 1).unwrap_err().exit, Exit::Invalid);
    }
}
