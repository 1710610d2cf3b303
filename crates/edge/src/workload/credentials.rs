//! What one module is given: its identity, its key, and a key to seal its own data with.

use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};

use crate::authority::{Authority, random};
use crate::identity::Device;
use crate::token;

/// Credentials of a module.
#[derive(Clone)]
pub struct Credentials {
    /// The device it runs on.
    pub device: Arc<Device>,
    /// Module id.
    pub module: String,
    /// Generation id, a decimal number as hubs give it.
    pub generation: String,
    /// The run's authority.
    pub authority: Arc<Authority>,
    key: [u8; 32],
}

/// Why data cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system gives no random bytes.
    #[error("no random bytes for a nonce")]
    Random,
    /// Changed, or sealed for another module or with another initialization vector.
    #[error("the ciphertext is not what encrypt gave for this module and initialization vector")]
    Open,
}

impl Credentials {
    /// New credentials with keys of their own.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(
        device: Arc<Device>,
        module: &str,
        generation: u64,
        authority: Arc<Authority>,
    ) -> Result<Self, SealError> {
        Ok(Self {
            device,
            module: module.to_owned(),
            generation: generation.to_string(),
            authority,
            key: random().map_err(|_| SealError::Random)?,
        })
    }

    /// The module's primary key, which signs its tokens.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// HMAC-SHA256 with the module's key.
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        token::sign(&self.key, data)
    }

    /// Seals a text: nonce, ciphertext and tag.
    ///
    /// The initialization vector of the caller is bound in as associated data. It is not the nonce, because a module
    /// may well send the same one twice.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn seal(&self, plaintext: &[u8], vector: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = random().map_err(|_| SealError::Random)?;
        let mut sealed = plaintext.to_vec();
        self.sealing_key()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.bound(vector)),
                &mut sealed,
            )
            .map_err(|_| SealError::Random)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] gave.
    ///
    /// # Errors
    /// It is something else.
    pub fn open(&self, sealed: &[u8], vector: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Open)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Open)?;
        let mut rest = rest.to_vec();
        let plain = self
            .sealing_key()?
            .open_in_place(nonce, Aad::from(self.bound(vector)), &mut rest)
            .map_err(|_| SealError::Open)?;
        Ok(plain.to_vec())
    }

    /// Another key than the one that signs, made from it.
    fn sealing_key(&self) -> Result<LessSafeKey, SealError> {
        let key = token::sign(&self.key, b"workload encrypt");
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::Open)?;
        Ok(LessSafeKey::new(key))
    }

    fn bound(&self, vector: &[u8]) -> Vec<u8> {
        let vector = digest(&SHA256, vector);
        let whose = format!("{}\0{}\0", self.module, self.generation);
        [whose.as_bytes(), vector.as_ref()].concat()
    }
}
