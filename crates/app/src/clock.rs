//! Time, ids and random tokens come in by the front door: a use-case asks the context, a test sets the clock by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// Microseconds in a second; every stored time is in microseconds since 1970, UTC.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// How far apart the clocks of two replicas may be.
pub(crate) const CLOCKS_APART_MICROS_MAX: i64 = MINUTE;

/// What time it is.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// A test's, in microseconds.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still until told otherwise.
    pub fn manual(start_micros: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start_micros)))
    }

    /// Microseconds since 1970, UTC.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => jiff::Timestamp::now().as_microsecond(),
            Self::Manual(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock forward; the system's clock is not ours to move.
    pub fn advance(&self, micros: i64) {
        if let Self::Manual(now) = self {
            now.fetch_add(micros, Ordering::SeqCst);
        }
    }
}

/// A new row id: a UUID of version 7, so that ids sort by time.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The machine's source of randomness failed; nothing secret can be made.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed; no secret can be made")]
pub struct NoRandomness;

/// A fresh secret of 32 random bytes as URL-safe text with a telling prefix, such as `emt_…`.
pub fn new_secret(prefix: &str) -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// How long a client is asked to wait, spread evenly over as much again: a thousand devices that were turned away together
/// do not come back together. Without randomness the wait is the plain one.
pub fn spread_seconds(seconds: u64) -> u64 {
    let mut bytes = [0_u8; 8];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => seconds.saturating_add(u64::from_le_bytes(bytes) % seconds.saturating_add(1)),
        Err(_) => seconds,
    }
}

/// What is stored of a secret: its SHA-256 in hex. The secret has 256 bits of entropy, so no salt is needed.
pub fn secret_hash(secret: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, secret.as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Microseconds as RFC 3339 in UTC, for JSON.
pub fn rfc3339(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map(|t| t.to_string())
        .unwrap_or_default()
}
