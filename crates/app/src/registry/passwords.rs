//! Passwords at the registry's door. Clients without a session ask again and again, so a password found good is
//! remembered for a few minutes (as a keyed hash, in this process only); everything else is throttled by address and
//! limited in number, since each check costs tens of milliseconds of work on purpose.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use domain::actor::Account;
use ring::hmac;
use ring::rand::SystemRandom;
use store::accounts::Account as Row;
use tokio::sync::Semaphore;

use super::refusal::Refusal;
use crate::App;

/// Passwords checked at the same moment; the others wait.
const CHECKS_AT_ONCE_MAX: usize = 2;
/// How long a good password is remembered.
const REMEMBERED_SECONDS_MAX: u64 = 300;
/// Good passwords remembered; the oldest go first.
const REMEMBERED_MAX: usize = 10_000;
/// Seconds a client is told to wait when the checks themselves are the bottleneck.
const BUSY_SECONDS: u64 = 5;

/// The stored hash that the remembered password was good for: a changed password is a changed hash.
struct Remembered {
    stored_hash: String,
    since: Instant,
}

/// See the module.
pub(crate) struct Passwords {
    key: Option<hmac::Key>,
    good: Mutex<HashMap<[u8; 32], Remembered>>,
    checks: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            // Without randomness nothing is remembered; every check is then a full one.
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            good: Mutex::default(),
            checks: Semaphore::new(CHECKS_AT_ONCE_MAX),
        }
    }
}

impl Passwords {
    /// The account of this address and password; nothing when the pair is wrong.
    pub(super) async fn check(
        &self,
        app: &App,
        email: &str,
        password: &str,
    ) -> Result<Option<Account>, Refusal> {
        match self.row(app, email, password).await? {
            Some(row) => Ok(crate::accounts::acting(&app.reader, &row, None).await?),
            None => Ok(None),
        }
    }

    /// The same as the row that the password fits.
    pub(super) async fn row(
        &self,
        app: &App,
        email: &str,
        password: &str,
    ) -> Result<Option<Row>, Refusal> {
        let email = email.trim().to_lowercase();
        let mark = self.mark(&email, password);
        let row = store::accounts::find_by_email(&app.reader, &email).await?;
        if let (Some(mark), Some(row)) = (&mark, &row)
            && self.remembers(mark, &row.password_hash)
        {
            return Ok(Some(row.clone()));
        }
        app.throttle.check(&format!("registry:{email}"))?;
        let wait = Duration::from_secs(BUSY_SECONDS);
        let Ok(Ok(_turn)) = tokio::time::timeout(wait, self.checks.acquire()).await else {
            return Err(Refusal::TooMany {
                seconds: BUSY_SECONDS,
            });
        };
        let row = crate::accounts::fits(row, password).await;
        if let (Some(mark), Some(row)) = (mark, &row) {
            self.remember(mark, row.password_hash.clone());
        }
        Ok(row)
    }

    fn mark(&self, email: &str, password: &str) -> Option<[u8; 32]> {
        let key = self.key.as_ref()?;
        let mut text = Vec::with_capacity(email.len() + password.len() + 1);
        text.extend_from_slice(email.as_bytes());
        text.push(0);
        text.extend_from_slice(password.as_bytes());
        hmac::sign(key, &text).as_ref().try_into().ok()
    }

    fn remembers(&self, mark: &[u8; 32], stored_hash: &str) -> bool {
        let good = self
            .good
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        good.get(mark).is_some_and(|entry| {
            entry.stored_hash == stored_hash
                && entry.since.elapsed().as_secs() < REMEMBERED_SECONDS_MAX
        })
    }

    fn remember(&self, mark: [u8; 32], stored_hash: String) {
        let mut good = self
            .good
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        good.retain(|_, entry| entry.since.elapsed().as_secs() < REMEMBERED_SECONDS_MAX);
        if good.len() >= REMEMBERED_MAX
            && let Some(oldest) = good
                .iter()
                .min_by_key(|(_, entry)| entry.since)
                .map(|(mark, _)| *mark)
        {
            good.remove(&oldest);
        }
        good.insert(
            mark,
            Remembered {
                stored_hash,
                since: Instant::now(),
            },
        );
    }
}
