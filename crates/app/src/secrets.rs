//! Secrets at rest: passwords of publishers' registries are sealed with a key that lives outside the database and
//! its backup, bound to the row they belong to, so that a copied database tells nothing and a moved row does not open.
//!
//! ChaCha20-Poly1305 (RFC 8439) by ring. The newest key seals, every key opens; rotation adds a key, the caller seals its
//! rows again and then retires the old ones ([`crate::admin::rotate_secret_keys`]). Where keys are kept is a file of mode
//! 0600, which every process looks at before it seals, or one environment variable; tokens and passwords of people are
//! hashed, not sealed, and have no place here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::key_file::{self, KeyFileError};

/// Bytes of one key.
const KEY_BYTES: usize = 32;
/// The most keys kept; rotation retires those that no row needs.
const KEYS_MAX: usize = 64;
/// The longest secret: a token used as a password, generously.
pub const PLAINTEXT_BYTES_MAX: usize = 64 * 1024;
/// First word of every line of a key file.
const LINE: &str = "edgemart-key-v1";

/// A secret as it is stored. All three parts are needed, and the row's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which key sealed it.
    pub key_id: String,
    /// Fresh for every sealing.
    pub nonce: Vec<u8>,
    /// With the tag at its end.
    pub ciphertext: Vec<u8>,
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The text holds no valid keys.
    #[error("keys: line {line}: {why}; a line reads `{LINE} KEY-ID BASE64-OF-32-BYTES`")]
    Text {
        /// From 1.
        line: usize,
        /// What is wrong; never the key itself.
        why: &'static str,
    },
    /// The key that sealed this is not among ours.
    #[error(
        "the secret of {row} was sealed with key {key_id}, which is not in the key file; restore it, or set the secret again"
    )]
    UnknownKey {
        /// The row.
        row: String,
        /// The missing key.
        key_id: String,
    },
    /// Altered, cut, or moved from another row.
    #[error(
        "the secret of {row} does not open: it was altered, or belongs to another row; set it again"
    )]
    Altered {
        /// The row.
        row: String,
    },
    /// Over the limit.
    #[error("a secret may have {PLAINTEXT_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// No randomness, no secrets.
    #[error("the system's random source failed; nothing was sealed")]
    NoRandomness,
}

struct Key {
    sealing: LessSafeKey,
    /// As it stands in the file.
    line: Zeroizing<String>,
}

/// The keys of this installation; shared by all replicas.
pub struct SecretKeys {
    ring: RwLock<Arc<Ring>>,
    /// Where rotation writes; `None` when the keys came from the environment.
    path: Option<PathBuf>,
}

/// The keys as they were when they were last read.
struct Ring {
    keys: BTreeMap<String, Key>,
    /// Oldest first; the last one seals.
    order: Vec<String>,
    stamp: Option<key_file::Stamp>,
}

impl Ring {
    fn newest(&self) -> &str {
        // Reading refuses a text without keys.
        self.order.last().map_or("", String::as_str)
    }
}

impl std::fmt::Debug for SecretKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SecretKeys")
            .field("ids", &self.ids())
            .finish_non_exhaustive()
    }
}

impl SecretKeys {
    /// Reads the keys at `path`; makes the file with a first key when there is none. Two processes that start at
    /// once end with the same key.
    ///
    /// # Errors
    /// [`SecretError::File`], also when others may read the file; [`SecretError::Text`].
    pub fn open_or_create(path: &Path) -> Result<Self, SecretError> {
        if key_file::read(path)?.is_none() {
            let (_, line) = new_line()?;
            key_file::create(path, &line)?;
        }
        Ok(Self {
            ring: RwLock::new(Arc::new(read_file(path)?)),
            path: Some(path.to_owned()),
        })
    }

    /// Reads keys from the text of a key file, such as an environment variable holds. The last line is the newest.
    ///
    /// # Errors
    /// [`SecretError::Text`] with the line.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        Ok(Self {
            ring: RwLock::new(Arc::new(read_text(text)?)),
            path: None,
        })
    }

    /// A fresh line for a key file or an environment variable, with the id of its key.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`].
    pub fn fresh_line() -> Result<(String, Zeroizing<String>), SecretError> {
        new_line()
    }

    /// Whether the keys stand in a file that [`SecretKeys::rotate`] can change.
    pub fn in_file(&self) -> bool {
        self.path.is_some()
    }

    /// The id of the key that seals now. A row whose `key_id` differs should be sealed again after a rotation.
    pub fn newest(&self) -> String {
        self.ring().newest().to_owned()
    }

    /// The ids of all keys, oldest first.
    pub fn ids(&self) -> Vec<String> {
        self.ring().order.clone()
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again when it changed since: another process may have rotated or retired keys. One look at the
    /// file's metadata when it did not.
    fn look(&self) -> Result<Arc<Ring>, SecretError> {
        let known = self.ring();
        let Some(path) = &self.path else {
            return Ok(known);
        };
        if key_file::stamp(path) == known.stamp {
            return Ok(known);
        }
        self.take_over(read_file(path)?)
    }

    fn take_over(&self, ring: Ring) -> Result<Arc<Ring>, SecretError> {
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
    }

    fn path(&self) -> Result<&Path, SecretError> {
        let told = || KeyFileError::File {
            path: PathBuf::from("(environment)"),
            why: "keys from the environment are changed there: append a line and start again"
                .to_owned(),
        };
        Ok(self.path.as_deref().ok_or_else(told)?)
    }

    /// Adds a fresh key to the file and seals with it from now on; older secrets still open. Other processes follow
    /// before they seal or when they meet a secret that they cannot open.
    ///
    /// # Errors
    /// [`SecretError::File`] when the keys came from the environment or the file cannot be replaced.
    pub fn rotate(&self) -> Result<(), SecretError> {
        let path = self.path()?;
        // The file counts, not memory: another process may have rotated meanwhile.
        let mut text = key_file::read(path)?.unwrap_or_default();
        let (_, line) = new_line()?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
        read_text(&text)?;
        key_file::replace(path, &text)?;
        self.take_over(read_file(path)?)?;
        Ok(())
    }

    /// Takes every key out of the file that is not in `kept` and does not seal now. Whoever calls it has made sure that
    /// nothing is sealed with them any more. Answers the ids of the keys taken out.
    ///
    /// # Errors
    /// [`SecretError::File`] when the keys came from the environment or the file cannot be replaced.
    pub fn retire_all_but(&self, kept: &BTreeSet<String>) -> Result<Vec<String>, SecretError> {
        let path = self.path()?;
        let ring = read_file(path)?;
        let stays = |id: &String| kept.contains(id) || id == ring.newest();
        let retired: Vec<String> = ring.order.iter().filter(|id| !stays(id)).cloned().collect();
        if retired.is_empty() {
            return Ok(retired);
        }
        let lines = ring.order.iter().filter(|id| stays(id));
        let mut text = Zeroizing::new(String::new());
        for id in lines {
            if let Some(key) = ring.keys.get(id) {
                text.push_str(&key.line);
            }
        }
        read_text(&text)?;
        key_file::replace(path, &text)?;
        self.take_over(read_file(path)?)?;
        Ok(retired)
    }

    /// Seals `plaintext` for the row `row_id` (table and key: `credentials/acme.meter/standard`).
    ///
    /// # Errors
    /// [`SecretError::TooLong`], [`SecretError::NoRandomness`].
    pub fn seal(&self, row_id: &str, plaintext: &[u8]) -> Result<Sealed, SecretError> {
        if plaintext.len() > PLAINTEXT_BYTES_MAX {
            return Err(SecretError::TooLong {
                found: plaintext.len(),
            });
        }
        let ring = self.look()?;
        let newest = ring.newest();
        let key = key_of(&ring, row_id, newest)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| SecretError::NoRandomness)?;
        // Room for the tag, so that no reallocation leaves plaintext behind.
        let mut buffer = Vec::with_capacity(plaintext.len() + CHACHA20_POLY1305.tag_len());
        buffer.extend_from_slice(plaintext);
        key.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                bound_to(newest, row_id),
                &mut buffer,
            )
            .map_err(|_| SecretError::NoRandomness)?;
        Ok(Sealed {
            key_id: newest.to_owned(),
            nonce: nonce.to_vec(),
            ciphertext: buffer,
        })
    }

    /// Opens what [`SecretKeys::seal`] sealed for the same row. The plaintext is overwritten when dropped.
    ///
    /// # Errors
    /// [`SecretError::UnknownKey`], [`SecretError::Altered`].
    pub fn open(&self, row_id: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let altered = || SecretError::Altered {
            row: row_id.to_owned(),
        };
        let mut ring = self.ring();
        if !ring.keys.contains_key(&sealed.key_id) {
            ring = self.look()?;
        }
        let key = key_of(&ring, row_id, &sealed.key_id)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| altered())?;
        let mut buffer = Zeroizing::new(sealed.ciphertext.clone());
        let length = key
            .sealing
            .open_in_place(nonce, bound_to(&sealed.key_id, row_id), &mut buffer)
            .map_err(|_| altered())?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn key_of<'a>(ring: &'a Ring, row_id: &str, key_id: &str) -> Result<&'a Key, SecretError> {
    ring.keys
        .get(key_id)
        .ok_or_else(|| SecretError::UnknownKey {
            row: row_id.to_owned(),
            key_id: key_id.to_owned(),
        })
}

/// Stamped before it is read, so that a change in between is noticed by the next look.
fn read_file(path: &Path) -> Result<Ring, SecretError> {
    let stamp = key_file::stamp(path);
    let text = key_file::read(path)?.unwrap_or_default();
    let ring = read_text(&text)?;
    Ok(Ring { stamp, ..ring })
}

/// The last line is the newest key; a key that stands twice counts where it stands last.
fn read_text(text: &str) -> Result<Ring, SecretError> {
    let mut keys = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line_error = |why| SecretError::Text { line: at + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(LINE), Some(id), Some(encoded), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(line_error("it does not have the three words of a key"));
        };
        let decoded = STANDARD.decode(encoded).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| line_error("the key is not base64"))?;
        let bytes: [u8; KEY_BYTES] = decoded
            .as_slice()
            .try_into()
            .map_err(|_| line_error("the key does not have 32 bytes"))?;
        let bytes = Zeroizing::new(bytes);
        if key_id(&bytes) != id {
            return Err(line_error(
                "the key does not belong to its id; it was altered",
            ));
        }
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, bytes.as_slice())
            .map_err(|_| line_error("the key cannot be used"))?;
        let sealing = LessSafeKey::new(unbound);
        let line = Zeroizing::new(format!("{line}\n"));
        keys.insert(id.to_owned(), Key { sealing, line });
        order.retain(|known| known != id);
        order.push(id.to_owned());
        if keys.len() > KEYS_MAX {
            return Err(line_error("there are more than 64 keys; remove the oldest"));
        }
    }
    if order.is_empty() {
        let why = "there is no key";
        return Err(SecretError::Text { line: 1, why });
    }
    Ok(Ring {
        keys,
        order,
        stamp: None,
    })
}

/// What the ciphertext is tied to. Lengths stand before texts, so that no two pairs read the same.
fn bound_to(key_id: &str, row_id: &str) -> Aad<Vec<u8>> {
    let mut bound = b"edgemart secret v1".to_vec();
    for text in [key_id, row_id] {
        bound.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bound.extend_from_slice(text.as_bytes());
    }
    Aad::from(bound)
}

/// Derived from the key, so that a mangled file is noticed; 64 bits of a one-way function tell nothing about it.
fn key_id(bytes: &[u8; KEY_BYTES]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(b"edgemart key id v1");
    context.update(bytes);
    let digest = context.finish();
    digest.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn new_line() -> Result<(String, Zeroizing<String>), SecretError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new()
        .fill(bytes.as_mut_slice())
        .map_err(|_| SecretError::NoRandomness)?;
    let id = key_id(&bytes);
    let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    let line = Zeroizing::new(format!("{LINE} {id} {}\n", encoded.as_str()));
    Ok((id, line))
}

#[cfg(test)]
mod tests;
