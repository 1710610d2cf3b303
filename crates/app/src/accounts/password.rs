//! Passwords: argon2id, hashed off the async threads, compared even when the account does not exist.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use domain::actor::Account;
use store::Tx;
use store::accounts::Account as Row;

use super::acting;
use crate::App;
use crate::error::{Refused, Trouble};

/// Shortest password, in characters.
pub(crate) const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in bytes; hashing more is only work for an attacker to give us.
pub(crate) const PASSWORD_BYTES_MAX: usize = 256;

/// Checks the length and hashes. Takes tens of milliseconds on purpose.
pub async fn hash_password(password: &str) -> Result<String, Refused> {
    let count = password.chars().count();
    if count < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(Refused::invalid(
            "password",
            "10 characters to 256 bytes",
            format!("{count} characters"),
            "Choose a longer phrase that you use nowhere else.",
        ));
    }
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    })
    .await;
    match hashed {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(error)) => Err(Refused::Failed(Trouble::Other(format!("argon2: {error}")))),
        Err(error) => Err(Refused::Failed(Trouble::Other(format!("argon2: {error}")))),
    }
}

async fn matches(password: &str, hash: Option<String>) -> bool {
    // An unknown address costs as much as a known one, so that timing tells nothing.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$KsvWkVvMzOSWmT8GVU5R6Zk0JIRF7HTmOhm+xRXMYYs";
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let (password, known) = (password.to_owned(), hash.is_some());
    let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|parsed| {
            Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok()
        })
    })
    .await
    .unwrap_or(false);
    verified && known
}

/// The account with this address and password, or nothing; which of the two was wrong is not said.
pub async fn verify_password(
    app: &App,
    email: &str,
    password: &str,
) -> Result<Option<Account>, store::Error> {
    let row = store::accounts::find_by_email(&app.reader, &email.trim().to_lowercase()).await?;
    match fits(row, password).await {
        Some(row) => acting(&app.reader, &row, None).await,
        None => Ok(None),
    }
}

/// The row, when this is its password. Whoever keeps something for long on the strength of it asks [`still_fits`].
pub(crate) async fn fits(row: Option<Row>, password: &str) -> Option<Row> {
    let hash = row.as_ref().map(|account| account.password_hash.clone());
    if matches(password, hash).await {
        row
    } else {
        None
    }
}

/// Whether the password that fitted this row is still the account's, and the account may still act; no change of either
/// ends before the transaction does, and then it finds what the transaction made.
pub(crate) async fn still_fits(tx: &Tx, row: &Row) -> Result<bool, store::Error> {
    let now = store::accounts::lock(tx, &row.id).await?;
    Ok(now.is_some_and(|now| now.password_hash == row.password_hash && now.disabled_at.is_none()))
}
