//! Content digests `sha256:<64 hex>` and `sha512:<128 hex>` and the hasher that produces them.
//!
//! image-spec descriptor.md allows more algorithms; Edgemart accepts the two registered ones only, so that every
//! digest it stores can be verified.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

use crate::excerpt::excerpt;
use crate::string_value::string_value;

/// A digest algorithm registered by image-spec descriptor.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256: 64 hex digits.
    Sha256,
    /// SHA-512: 128 hex digits.
    Sha512,
}

impl DigestAlgorithm {
    /// The name used before the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hex digits a digest of this algorithm has.
    #[must_use]
    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DigestAlgorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            other => Err(DigestError::Algorithm {
                found: excerpt(other),
            }),
        }
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no `algorithm:` part.
    #[error("digest '{found}' has no algorithm; write sha256:<64 hex digits>")]
    NoAlgorithm {
        /// The text, shortened.
        found: String,
    },
    /// The algorithm is not one of the two supported.
    #[error("digest algorithm '{found}' is not supported; use sha256 or sha512")]
    Algorithm {
        /// The algorithm found, shortened.
        found: String,
    },
    /// The number of hex digits is wrong.
    #[error("{algorithm} digest needs {expected} hex digits, found {found}")]
    Length {
        /// The algorithm named.
        algorithm: DigestAlgorithm,
        /// Digits the algorithm needs.
        expected: usize,
        /// Bytes found after the colon.
        found: usize,
    },
    /// A character is not a lower-case hex digit.
    #[error("digest '{found}' may hold only lower-case hex digits (0-9, a-f) after the colon")]
    Hex {
        /// The text, shortened.
        found: String,
    },
}

/// A verified-form content digest. Equality is equality of content (under the algorithm).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    /// The whole text, `algorithm:hex`.
    text: Box<str>,
}

impl Digest {
    /// The sha256 digest of `bytes`.
    #[must_use]
    pub fn sha256_of(bytes: &[u8]) -> Self {
        Self::of(DigestAlgorithm::Sha256, bytes)
    }

    /// The digest of `bytes` under `algorithm`.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        let mut hasher = DigestHasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hex digits after the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The whole text, `sha256:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// For people: `sha256:1f3a…9c02`. Not unique; never compare by it.
    #[must_use]
    pub fn short(&self) -> String {
        let hex = self.hex();
        format!("{}:{}…{}", self.algorithm, &hex[..4], &hex[hex.len() - 4..])
    }

    fn from_hash(algorithm: DigestAlgorithm, hash: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(algorithm.as_str().len() + 1 + algorithm.hex_digits());
        text.push_str(algorithm.as_str());
        text.push(':');
        for byte in hash {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        Self {
            algorithm,
            text: text.into_boxed_str(),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::NoAlgorithm {
                found: excerpt(text),
            })?;
        let algorithm: DigestAlgorithm = algorithm.parse()?;
        if hex.len() != algorithm.hex_digits() {
            return Err(DigestError::Length {
                algorithm,
                expected: algorithm.hex_digits(),
                found: hex.len(),
            });
        }
        if !hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(DigestError::Hex {
                found: excerpt(text),
            });
        }
        Ok(Self {
            algorithm,
            text: text.into(),
        })
    }
}

string_value!(Digest);
string_value!(DigestAlgorithm);

/// Hashes bytes as they arrive; `Clone` lets an upload keep its state between chunks.
#[derive(Debug, Clone)]
pub struct DigestHasher(State);

#[derive(Debug, Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl DigestHasher {
    /// An empty hasher for `algorithm`.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// The algorithm this hasher was made for.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        match self.0 {
            State::Sha256(_) => DigestAlgorithm::Sha256,
            State::Sha512(_) => DigestAlgorithm::Sha512,
        }
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of everything added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::from_hash(DigestAlgorithm::Sha256, &state.finalize()),
            State::Sha512(state) => Digest::from_hash(DigestAlgorithm::Sha512, &state.finalize()),
        }
    }
}

impl std::io::Write for DigestHasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text, and the error it must give.
    type Case<'a> = (&'a str, fn(&DigestError) -> bool);

    const EMPTY_256: &str =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_512: &str = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

    #[test]
    fn known_hashes() {
        assert_eq!(Digest::sha256_of(b"").to_string(), EMPTY_256);
        assert_eq!(Digest::of(DigestAlgorithm::Sha512, b"").as_str(), EMPTY_512);
        assert_eq!(Digest::sha256_of(b"").short(), "sha256:e3b0…b855");
        assert_eq!(Digest::sha256_of(b"").hex(), &EMPTY_256[7..]);
    }

    #[test]
    fn what_is_not_a_digest_is_named() {
        let upper = EMPTY_256.to_uppercase().replace("SHA256", "sha256");
        let unicode = format!("sha256:{}", "é".repeat(32));
        let table: &[Case<'_>] = &[
            ("", |e| matches!(e, DigestError::NoAlgorithm { .. })),
            ("sha256", |e| matches!(e, DigestError::NoAlgorithm { .. })),
            ("md5:d41d8cd98f00b204e9800998ecf8427e", |e| {
                matches!(e, DigestError::Algorithm { .. })
            }),
            ("SHA256:00", |e| matches!(e, DigestError::Algorithm { .. })),
            ("sha256:", |e| {
                matches!(e, DigestError::Length { found: 0, .. })
            }),
            ("sha256:abc", |e| {
                matches!(
                    e,
                    DigestError::Length {
                        found: 3,
                        expected: 64,
                        ..
                    }
                )
            }),
            (&upper, |e| matches!(e, DigestError::Hex { .. })),
            (&unicode, |e| matches!(e, DigestError::Hex { .. })),
            (
                "sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                |e| matches!(e, DigestError::Length { expected: 128, .. }),
            ),
        ];
        for (text, expected) in table {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(expected(&error), "{text}: {error}");
        }
    }

    #[test]
    fn json_form_is_the_text() {
        let digest = Digest::sha256_of(b"x");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"sha256:zz\"").is_err());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(bytes: Vec<u8>, cut in 0usize..64, wide: bool) {
            let algorithm = if wide { DigestAlgorithm::Sha512 } else { DigestAlgorithm::Sha256 };
            let cut = cut.min(bytes.len());
            let mut hasher = DigestHasher::new(algorithm);
            hasher.update(&bytes[..cut]);
            hasher.clone().update(b"a branch that is thrown away");
            hasher.update(&bytes[cut..]);
            let digest = hasher.finish();
            prop_assert_eq!(&digest, &Digest::of(algorithm, &bytes));
            prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        }

        #[test]
        fn any_text_is_refused_or_printed_back(text in "\\PC*|sha(256|512):[0-9a-f]{0,130}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
