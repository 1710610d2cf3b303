//! Secrets at rest: passwords of publishers' registries are sealed with a key that lives outside the database and
//! its backup, bound to the row they belong to, so that a copied database tells nothing and a moved row does not open.
//!
//! ChaCha20-Poly1305 (RFC 8439) by ring. The newest key seals, every key opens; rotation adds a key and the caller
//! seals its rows again. Where keys are kept is a file of mode 0600 or one environment variable; tokens and
//! passwords of people are hashed, not sealed, and have no place here.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Bytes of one key.
const KEY_BYTES: usize = 32;
/// The most keys kept; older ones are dropped from the file by hand, once no row needs them.
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
    /// The key file cannot be read or written.
    #[error("key file {}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with its content.
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
}

/// The keys of this installation; shared by all replicas.
pub struct SecretKeys {
    keys: BTreeMap<String, Key>,
    newest: String,
    /// Where rotation writes; `None` when the keys came from the environment.
    path: Option<PathBuf>,
}

impl std::fmt::Debug for SecretKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SecretKeys")
            .field("ids", &self.keys.keys().collect::<Vec<_>>())
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

impl SecretKeys {
    /// Reads the keys at `path`; makes the file with a first key when there is none. Two processes that start at
    /// once end with the same key.
    ///
    /// # Errors
    /// [`SecretError::Open`] when others may read the file; [`SecretError::File`], [`SecretError::Text`].
    pub fn open_or_create(path: &Path) -> Result<Self, SecretError> {
        let text = match file::read(path)? {
            Some(text) => text,
            None => {
                let (_, line) = new_line()?;
                file::create(path, &line)?
            }
        };
        let mut keys = Self::from_text(&text)?;
        keys.path = Some(path.to_owned());
        Ok(keys)
    }

    /// Reads keys from the text of a key file, such as an environment variable holds. The last line is the newest.
    ///
    /// # Errors
    /// [`SecretError::Text`] with the line.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        let mut keys = BTreeMap::new();
        let mut newest = None;
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
            keys.insert(id.to_owned(), Key { sealing });
            newest = Some(id.to_owned());
            if keys.len() > KEYS_MAX {
                return Err(line_error("there are more than 64 keys; remove the oldest"));
            }
        }
        let why = "there is no key";
        let newest = newest.ok_or(SecretError::Text { line: 1, why })?;
        Ok(Self {
            keys,
            newest,
            path: None,
        })
    }

    /// The id of the key that seals now. A row whose `key_id` differs should be sealed again after a rotation.
    pub fn newest(&self) -> &str {
        &self.newest
    }

    /// Adds a fresh key to the file and seals with it from now on; older secrets still open. Other processes see it
    /// when they start again.
    ///
    /// # Errors
    /// [`SecretError::File`] when the keys came from the environment or the file cannot be replaced.
    pub fn rotate(&mut self) -> Result<(), SecretError> {
        let Some(path) = self.path.clone() else {
            return Err(SecretError::File {
                path: PathBuf::from("(environment)"),
                why: "keys from the environment are rotated there: append a line and start again"
                    .to_owned(),
            });
        };
        // The file counts, not memory: another process may have rotated meanwhile.
        let mut text = file::read(&path)?.unwrap_or_default();
        let (_, line) = new_line()?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
        let mut keys = Self::from_text(&text)?;
        file::replace(&path, &text)?;
        keys.path = Some(path);
        *self = keys;
        Ok(())
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
        let key = self.key(row_id, &self.newest)?;
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
                bound_to(&self.newest, row_id),
                &mut buffer,
            )
            .map_err(|_| SecretError::NoRandomness)?;
        Ok(Sealed {
            key_id: self.newest.clone(),
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
        let key = self.key(row_id, &sealed.key_id)?;
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

    fn key(&self, row_id: &str, key_id: &str) -> Result<&Key, SecretError> {
        self.keys
            .get(key_id)
            .ok_or_else(|| SecretError::UnknownKey {
                row: row_id.to_owned(),
                key_id: key_id.to_owned(),
            })
    }
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
