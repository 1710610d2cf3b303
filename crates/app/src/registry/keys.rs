//! The keys that sign registry tokens: Ed25519, named by `kid`, the first one signs and all of them verify. They live in
//! a key file outside the database and its backup, or come through the configuration so that replicas share them.
//! Rotation is: put a new key first, keep the old one until its last token has died (five minutes).

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// Keys in one set; more than this is a mistake in the file.
pub const TOKEN_KEYS_MAX: usize = 16;
/// Bytes of a key file that are read.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Hex digits of the public key's SHA-256 that name a key.
const KID_HEX_DIGITS: usize = 16;

/// Why there are no keys to sign tokens with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system said no.
    #[error("token keys: could not {action} {}: {source}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came back.
        source: std::io::Error,
    },
    /// Others on this machine could read the keys.
    #[error("token keys: {} has mode {mode:o}, so others may read it; run `chmod 600` on it", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is no key.
    #[error(
        "token keys: line {line} is not a base64 PKCS#8 Ed25519 key; write one key a line, the signing key first"
    )]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A document given by the configuration is no key.
    #[error("token keys: key number {0} is not a PKCS#8 Ed25519 document")]
    Document(usize),
    /// None, or more than [`TOKEN_KEYS_MAX`].
    #[error("token keys: {0} keys given; give 1 to {TOKEN_KEYS_MAX}, the signing key first")]
    Count(usize),
    /// The machine has no randomness to give.
    #[error("token keys: the system's random source failed; no key can be made")]
    NoRandomness,
}

struct TokenKey {
    kid: String,
    pair: Ed25519KeyPair,
}

/// A set of signing keys. Cheap to clone; its `Debug` shows key ids only.
#[derive(Clone)]
pub struct TokenKeys(Arc<[TokenKey]>);

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| &key.kid))
            .finish()
    }
}

impl TokenKeys {
    /// Keys from PKCS#8 documents, the signing key first.
    pub fn from_pkcs8<D: AsRef<[u8]>>(documents: &[D]) -> Result<Self, KeyError> {
        if documents.is_empty() || documents.len() > TOKEN_KEYS_MAX {
            return Err(KeyError::Count(documents.len()));
        }
        let mut keys = Vec::with_capacity(documents.len());
        for (index, document) in documents.iter().enumerate() {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document.as_ref())
                .map_err(|_| KeyError::Document(index + 1))?;
            let hash = oci::Digest::sha256_of(pair.public_key().as_ref());
            keys.push(TokenKey {
                kid: hash.hex()[..KID_HEX_DIGITS].to_owned(),
                pair,
            });
        }
        Ok(Self(keys.into()))
    }

    /// Keys from the text of a key file: one base64 PKCS#8 document a line, `#` begins a remark.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut documents = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            documents.push(
                STANDARD
                    .decode(line)
                    .map_err(|_| KeyError::Line { line: index + 1 })?,
            );
        }
        Self::from_pkcs8(&documents)
    }

    /// One fresh key that dies with this process: for tests and for one process alone.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::from_pkcs8(&[new_document()?])
    }

    /// Reads the key file, or makes it (mode 0600) with one fresh key. Two processes that start at once agree on the
    /// file of whoever was first. Refuses a file that others may read.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |action| {
            move |source| KeyError::File {
                action,
                path: path.to_owned(),
                source,
            }
        };
        match File::open(path) {
            Ok(file) => return Self::read(path, file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("open")(error)),
        }
        let text = format!(
            "# Signs registry tokens. First key signs, all verify.\n{}\n",
            STANDARD.encode(new_document()?)
        );
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&draft).map_err(failed("create"))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed("write"))?;
        // A hard link never replaces a file, so the slower of two processes reads the faster one's keys.
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft).map_err(failed("remove the draft of"))?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create")(error)),
        }
        let file = File::open(path).map_err(failed("open"))?;
        Self::read(path, file)
    }

    fn read(path: &Path, file: File) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = String::new();
        file.take(KEY_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
        Self::from_text(&text)
    }

    /// The id of the key that signs.
    pub(super) fn signing_kid(&self) -> &str {
        &self.0[0].kid
    }

    /// Signs with the first key.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0[0].pair.sign(message).as_ref().to_vec()
    }

    /// Whether the key named `kid` made this signature. An unknown id is a plain no: nothing is fetched.
    pub(super) fn verifies(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().filter(|key| key.kid == kid).any(|key| {
            UnparsedPublicKey::new(&ED25519, key.pair.public_key().as_ref())
                .verify(message, signature)
                .is_ok()
        })
    }
}

fn new_document() -> Result<Vec<u8>, KeyError> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .map_err(|_| KeyError::NoRandomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("edgemart-keys-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_file_is_made_once_private_and_read_again() {
        let folder = scratch("once");
        let path = folder.join("token.keys");
        let first = TokenKeys::open_or_create(&path).unwrap();
        let again = TokenKeys::open_or_create(&path).unwrap();
        assert_eq!(first.signing_kid(), again.signing_kid());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "no draft stays behind"
        );
        assert!(again.verifies(first.signing_kid(), b"m", &first.sign(b"m")));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = scratch("open");
        let path = folder.join("token.keys");
        TokenKeys::open_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = TokenKeys::open_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_rotated_set_signs_with_the_first_and_verifies_both() {
        let (old, new) = (new_document().unwrap(), new_document().unwrap());
        let before = TokenKeys::from_pkcs8(std::slice::from_ref(&old)).unwrap();
        let after = TokenKeys::from_pkcs8(&[new, old]).unwrap();
        assert_ne!(before.signing_kid(), after.signing_kid());
        assert!(after.verifies(before.signing_kid(), b"m", &before.sign(b"m")));
        assert!(!before.verifies(after.signing_kid(), b"m", &after.sign(b"m")));
    }

    #[test]
    fn bad_documents_are_named() {
        assert!(matches!(TokenKeys::from_text(""), Err(KeyError::Count(0))));
        assert!(matches!(
            TokenKeys::from_text("# x\n!!"),
            Err(KeyError::Line { line: 2 })
        ));
        assert!(matches!(
            TokenKeys::from_text("AAAA"),
            Err(KeyError::Document(1))
        ));
        assert!(!format!("{:?}", TokenKeys::ephemeral().unwrap()).contains("pkcs8"));
    }
}
