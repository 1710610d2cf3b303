//! Sealing, binding, rotation and the file's guard.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("edgemart-secrets-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("keys")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn fresh() -> SecretKeys {
    SecretKeys::from_text(&new_line().unwrap().1).unwrap()
}

#[test]
fn what_is_sealed_opens_for_its_row_only() {
    let keys = fresh();
    let sealed = keys.seal("credentials/a.b/c", b"hunter2").unwrap();
    assert_eq!(
        keys.open("credentials/a.b/c", &sealed).unwrap().as_slice(),
        b"hunter2"
    );
    assert!(!sealed.ciphertext.windows(7).any(|part| part == b"hunter2"));
    assert!(matches!(
        keys.open("credentials/a.b/d", &sealed),
        Err(SecretError::Altered { .. })
    ));
    let again = keys.seal("credentials/a.b/c", b"hunter2").unwrap();
    assert_ne!(again, sealed, "every sealing has its own nonce");
    assert_eq!(
        keys.open("x", &keys.seal("x", b"").unwrap())
            .unwrap()
            .as_slice(),
        b""
    );
}

#[test]
fn every_altered_part_is_noticed() {
    let keys = fresh();
    let sealed = keys.seal("row", b"secret").unwrap();
    for at in 0..sealed.ciphertext.len() {
        let mut altered = sealed.clone();
        altered.ciphertext[at] ^= 1;
        assert!(
            matches!(keys.open("row", &altered), Err(SecretError::Altered { .. })),
            "byte {at}"
        );
    }
    let mut altered = sealed.clone();
    altered.nonce[0] ^= 1;
    assert!(keys.open("row", &altered).is_err());
    altered.nonce.clear();
    assert!(keys.open("row", &altered).is_err());
    let mut cut = sealed.clone();
    cut.ciphertext.clear();
    assert!(keys.open("row", &cut).is_err());
    let other = fresh();
    assert!(matches!(
        other.open("row", &sealed),
        Err(SecretError::UnknownKey { .. })
    ));
    let relabelled = Sealed {
        key_id: other.newest(),
        ..sealed
    };
    assert!(matches!(
        other.open("row", &relabelled),
        Err(SecretError::Altered { .. })
    ));
}

#[test]
fn too_long_secrets_are_refused() {
    let keys = fresh();
    assert!(keys.seal("row", &vec![0; PLAINTEXT_BYTES_MAX]).is_ok());
    let refused = keys
        .seal("row", &vec![0; PLAINTEXT_BYTES_MAX + 1])
        .unwrap_err();
    assert!(matches!(refused, SecretError::TooLong { .. }), "{refused}");
}

#[test]
fn the_file_is_made_once_and_only_for_its_owner() {
    let folder = Folder::new("made");
    let made = SecretKeys::open_or_create(&folder.file()).unwrap();
    let mode = std::fs::metadata(folder.file())
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o600);
    let sealed = made.seal("row", b"x").unwrap();
    let read = SecretKeys::open_or_create(&folder.file()).unwrap();
    assert_eq!(read.open("row", &sealed).unwrap().as_slice(), b"x");
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "no temporary file stays"
    );
}

#[test]
fn processes_that_start_at_once_share_one_key() {
    let folder = Folder::new("race");
    let ids: Vec<String> = std::thread::scope(|scope| {
        let open = || {
            SecretKeys::open_or_create(&folder.file())
                .unwrap()
                .newest()
                .to_owned()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let folder = Folder::new("open");
    SecretKeys::open_or_create(&folder.file()).unwrap();
    for mode in [0o640, 0o604, 0o644, 0o660] {
        std::fs::set_permissions(folder.file(), std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = SecretKeys::open_or_create(&folder.file()).unwrap_err();
        assert!(
            matches!(refused, SecretError::File(KeyFileError::Open { mode: found, .. }) if found == mode),
            "{refused}"
        );
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

#[test]
fn rotation_seals_anew_and_still_opens_the_old() {
    let folder = Folder::new("rotate");
    let keys = SecretKeys::open_or_create(&folder.file()).unwrap();
    let old = keys.seal("row", b"old").unwrap();
    keys.rotate().unwrap();
    assert_ne!(keys.newest(), old.key_id);
    assert_eq!(keys.seal("row", b"new").unwrap().key_id, keys.newest());
    assert_eq!(keys.open("row", &old).unwrap().as_slice(), b"old");
    let read = SecretKeys::open_or_create(&folder.file()).unwrap();
    assert_eq!(read.newest(), keys.newest());
    assert_eq!(read.open("row", &old).unwrap().as_slice(), b"old");
    assert!(
        fresh().rotate().is_err(),
        "keys of the environment have no file"
    );
}

#[test]
fn other_processes_follow_the_file() {
    let folder = Folder::new("follow");
    let here = SecretKeys::open_or_create(&folder.file()).unwrap();
    let there = SecretKeys::open_or_create(&folder.file()).unwrap();
    let old = there.seal("row", b"old").unwrap();
    here.rotate().unwrap();
    let new = here.seal("row", b"new").unwrap();
    assert_eq!(there.open("row", &new).unwrap().as_slice(), b"new");
    here.rotate().unwrap();
    assert_eq!(there.seal("row", b"x").unwrap().key_id, here.newest());
    let kept = [new.key_id.clone()].into();
    assert_eq!(
        here.retire_all_but(&kept).unwrap(),
        std::slice::from_ref(&old.key_id)
    );
    assert_eq!(here.retire_all_but(&kept).unwrap(), Vec::<String>::new());
    assert_eq!(here.ids(), [new.key_id.clone(), here.newest()]);
    let read = SecretKeys::open_or_create(&folder.file()).unwrap();
    assert!(matches!(
        read.open("row", &old),
        Err(SecretError::UnknownKey { .. })
    ));
    assert_eq!(read.open("row", &new).unwrap().as_slice(), b"new");
}

#[test]
fn broken_key_files_are_told_by_line() {
    let good = new_line().unwrap().1;
    let id = good.split(' ').nth(1).unwrap();
    let other = new_line().unwrap().1;
    let swapped = format!("{LINE} {id} {}", other.trim().split(' ').nth(2).unwrap());
    let table = [
        (String::new(), 1, "no key"),
        ("# nothing\n\n".to_owned(), 1, "no key"),
        ("hello".to_owned(), 1, "three words"),
        (format!("{}{LINE} x", *good), 2, "three words"),
        (format!("{LINE} {id} ???"), 1, "base64"),
        (format!("{LINE} {id} QUJD"), 1, "32 bytes"),
        (swapped, 1, "does not belong"),
    ];
    for (text, line, says) in table {
        let error = SecretKeys::from_text(&text).unwrap_err();
        let SecretError::Text { line: found, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*found, line, "{text}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(SecretKeys::from_text(&format!("# first\n{}\n{}", *good, *other)).is_ok());
}

#[test]
fn keys_are_never_printed() {
    let line = new_line().unwrap().1;
    let keys = SecretKeys::from_text(&line).unwrap();
    let printed = format!("{keys:?}");
    assert!(printed.contains(&keys.newest()));
    assert!(
        !printed.contains(line.trim().split(' ').nth(2).unwrap()),
        "{printed}"
    );
}
