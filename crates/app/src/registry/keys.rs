//! The keys that sign registry tokens: Ed25519, named by `kid`, the first one signs and all of them verify. They live in
//! a key file outside the database and its backup, or come through the configuration so that replicas share them.
//! Rotation is: put a new key first, keep the old one until its last token has died (five minutes).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::key_file::{self, KeyFileError};

/// Keys in one set; more than this is a mistake in the file.
pub const TOKEN_KEYS_MAX: usize = 16;
/// Old keys that stay good after a rotation; tokens live five minutes, so this allows for hasty rotations.
pub const OLD_KEYS_MAX: usize = 3;
/// How often the key file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often at most an unknown key id makes us look at once.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Hex digits of the public key's SHA-256 that name a key.
const KID_HEX_DIGITS: usize = 16;

/// Why there are no keys to sign tokens with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file.
    #[error("token keys: {0}")]
    File(#[from] KeyFileError),
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
pub struct TokenKeys(Arc<Set>);

/// The keys in force, and the file they came from, which is read again when it changed.
struct Set {
    keys: RwLock<Arc<[TokenKey]>>,
    file: Option<KeyFile>,
}

struct KeyFile {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// What was last known of the file.
struct Seen {
    at: Instant,
    stamp: Option<key_file::Stamp>,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.present().iter().map(|key| &key.kid))
            .finish()
    }
}

impl TokenKeys {
    /// Keys from PKCS#8 documents, the signing key first.
    pub fn from_pkcs8<D: AsRef<[u8]>>(documents: &[D]) -> Result<Self, KeyError> {
        Ok(Self::of(read_documents(documents)?, None))
    }

    /// Keys from the text of a key file: one base64 PKCS#8 document a line, `#` begins a remark.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        Ok(Self::of(read_text(text)?, None))
    }

    /// One fresh key that dies with this process: for tests and for one process alone.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::from_pkcs8(&[new_document()?])
    }

    /// Reads the key file, or makes it (mode 0600) with one fresh key. Two processes that start at once agree on the
    /// file of whoever was first. Refuses a file that others may read. A change of the file is followed.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        // Before the text, so that a change right after it is looked at again.
        let stamp = key_file::stamp(path);
        let text = match key_file::read(path)? {
            Some(text) => text,
            None => key_file::create(path, &text_of(&[STANDARD.encode(new_document()?)]))?,
        };
        let keys = read_text(&text)?;
        let file = KeyFile {
            path: path.to_owned(),
            seen: Mutex::new(Seen {
                at: Instant::now(),
                stamp,
            }),
        };
        Ok(Self::of(keys, Some(file)))
    }

    fn of(keys: Vec<TokenKey>, file: Option<KeyFile>) -> Self {
        Self(Arc::new(Set {
            keys: RwLock::new(keys.into()),
            file,
        }))
    }

    fn present(&self) -> Arc<[TokenKey]> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the key file, if the last look is `older` than that, and takes over what it says when it changed. A
    /// file that cannot be used is told in the log, and the keys stay as they are.
    fn look(&self, older: Duration) {
        let Some(file) = &self.0.file else { return };
        let mut seen = file.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() < older {
            return;
        }
        seen.at = Instant::now();
        let stamp = key_file::stamp(&file.path);
        if stamp == seen.stamp {
            return;
        }
        seen.stamp = stamp;
        match read_file(&file.path) {
            Ok(keys) => {
                tracing::info!(signing = %keys[0].kid, keys = keys.len(), "the token keys changed");
                *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
            }
            Err(error) => {
                tracing::error!(%error, "the changed token keys cannot be used; the old ones stay");
            }
        }
    }

    /// The signing key's id and its signature of `message(id)`.
    pub(super) fn sign_with<E>(
        &self,
        message: impl FnOnce(&str) -> Result<String, E>,
    ) -> Result<(String, Vec<u8>), E> {
        self.look(LOOK_EVERY);
        let keys = self.present();
        let message = message(&keys[0].kid)?;
        let signature = keys[0].pair.sign(message.as_bytes()).as_ref().to_vec();
        Ok((message, signature))
    }

    /// Whether the key named `kid` made this signature. An unknown id is a plain no, after at most one look a second at
    /// our own file: another process may have turned the keys a moment ago.
    pub(super) fn verifies(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.look(LOOK_EVERY);
        if !self.present().iter().any(|key| key.kid == kid) {
            self.look(LOOK_AGAIN);
        }
        self.present()
            .iter()
            .filter(|key| key.kid == kid)
            .any(|key| {
                UnparsedPublicKey::new(&ED25519, key.pair.public_key().as_ref())
                    .verify(message, signature)
                    .is_ok()
            })
    }
}

/// Puts a new signing key first into the key file and keeps the last [`OLD_KEYS_MAX`] ones, so that tokens under way stay
/// good. Every process that reads the file follows by itself within [`LOOK_EVERY`]. Answers the ids, the signing one first.
pub fn rotate_token_keys(path: &Path) -> Result<Vec<String>, KeyError> {
    let text = key_file::read(path)?.unwrap_or_default();
    read_text(&text)?;
    let old = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .take(OLD_KEYS_MAX);
    let lines: Vec<String> = std::iter::once(STANDARD.encode(new_document()?))
        .chain(old.map(ToOwned::to_owned))
        .collect();
    key_file::replace(path, &text_of(&lines))?;
    let keys = read_file(path)?;
    Ok(keys.into_iter().map(|key| key.kid).collect())
}

fn text_of(keys: &[String]) -> Zeroizing<String> {
    let keys = Zeroizing::new(keys.join("\n"));
    Zeroizing::new(format!(
        "# Signs registry tokens. First key signs, all verify.\n{}\n",
        keys.as_str()
    ))
}

/// No file is a set without keys, which is refused.
fn read_file(path: &Path) -> Result<Vec<TokenKey>, KeyError> {
    read_text(&key_file::read(path)?.unwrap_or_default())
}

fn read_documents<D: AsRef<[u8]>>(documents: &[D]) -> Result<Vec<TokenKey>, KeyError> {
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
    Ok(keys)
}

fn read_text(text: &str) -> Result<Vec<TokenKey>, KeyError> {
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
    read_documents(&documents)
}

fn new_document() -> Result<Vec<u8>, KeyError> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .map_err(|_| KeyError::NoRandomness)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("edgemart-keys-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn signature(keys: &TokenKeys) -> (String, Vec<u8>) {
        let mut kid = String::new();
        let signed = keys.sign_with(|id| {
            kid = id.to_owned();
            Ok::<_, KeyError>("m".to_owned())
        });
        (kid, signed.unwrap().1)
    }

    fn accepts(keys: &TokenKeys, (kid, signature): &(String, Vec<u8>)) -> bool {
        keys.verifies(kid, b"m", signature)
    }

    #[test]
    fn a_rotation_is_followed_and_old_tokens_stay_good() {
        let folder = scratch("rotate");
        let path = folder.join("token.keys");
        let (one, other) = (
            TokenKeys::open_or_create(&path).unwrap(),
            TokenKeys::open_or_create(&path).unwrap(),
        );
        let before = signature(&one);
        let kids = rotate_token_keys(&path).unwrap();
        assert_eq!((kids.len(), &kids[1]), (2, &before.0));
        one.look(Duration::ZERO);
        let after = signature(&one);
        assert_eq!(after.0, kids[0]);
        other.look(Duration::ZERO);
        assert!(accepts(&other, &before) && accepts(&other, &after));
        for _ in 0..5 {
            rotate_token_keys(&path).unwrap();
        }
        one.look(Duration::ZERO);
        assert_eq!(one.present().len(), OLD_KEYS_MAX + 1);
        assert!(!accepts(&one, &before), "the oldest keys are gone");
        std::fs::write(&path, "garbage").unwrap();
        one.look(Duration::ZERO);
        assert_eq!(
            one.present().len(),
            OLD_KEYS_MAX + 1,
            "a broken file changes nothing"
        );
        assert!(rotate_token_keys(&path).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_is_made_once_private_and_read_again() {
        let folder = scratch("once");
        let path = folder.join("token.keys");
        let first = TokenKeys::open_or_create(&path).unwrap();
        let again = TokenKeys::open_or_create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "no draft stays behind"
        );
        assert!(accepts(&again, &signature(&first)));
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
    fn a_file_that_is_too_long_is_refused_and_not_cut() {
        let folder = scratch("long");
        let path = folder.join("token.keys");
        TokenKeys::open_or_create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{}", "#".repeat(70_000))).unwrap();
        let error = TokenKeys::open_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("are allowed"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_rotated_set_signs_with_the_first_and_verifies_both() {
        let (old, new) = (new_document().unwrap(), new_document().unwrap());
        let before = TokenKeys::from_pkcs8(std::slice::from_ref(&old)).unwrap();
        let after = TokenKeys::from_pkcs8(&[new, old]).unwrap();
        assert_ne!(signature(&before).0, signature(&after).0);
        assert!(accepts(&after, &signature(&before)));
        assert!(!accepts(&before, &signature(&after)));
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
