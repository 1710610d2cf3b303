//! A person signs in with a browser. The cookie holds a random secret; the row holds its hash, so that a copy of the
//! database lets nobody in. Refuses wrong passwords after a throttle.

use domain::actor::Actor;
use serde_json::json;

use super::{acting, fits, still_fits};
use crate::App;
use crate::clock::{DAY, HOUR, new_secret, secret_hash};
use crate::error::Refused;
use crate::record::Subject;

/// A session ends this long after sign-in.
pub const SESSION_DAYS_MAX: i64 = 14;

/// A session just opened or just found.
#[derive(Clone)]
pub struct Session {
    /// For the cookie; empty when the session was found rather than opened.
    pub secret: String,
    /// Goes into every form of this session.
    pub csrf: String,
    /// Microseconds.
    pub expires_at: i64,
}

/// Opens a session. `peer` is the network address, for the throttle.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: &str,
    peer: &str,
) -> Result<Session, Refused> {
    let email = email.trim().to_lowercase();
    app.throttle.check(&format!("sign-in:{email}"))?;
    app.throttle.check(&format!("sign-in-peer:{peer}"))?;
    let wrong = || {
        Refused::invalid(
            "password",
            "the address and password of an account",
            "no such pair",
            "Check both; the address is not case-sensitive, the password is.",
        )
    };
    let row = store::accounts::find_by_email(&app.reader, &email).await?;
    let fitted = fits(row, password).await.ok_or_else(wrong)?;
    let account = acting(&app.reader, &fitted, None)
        .await?
        .ok_or_else(wrong)?;
    let now = app.clock.now();
    let secret = new_secret("ems_").map_err(|e| Refused::trouble(e.to_string()))?;
    let csrf = new_secret("").map_err(|e| Refused::trouble(e.to_string()))?;
    let expires_at = now + SESSION_DAYS_MAX * DAY;
    let row = store::sessions::Session {
        token_hash: secret_hash(&secret),
        account_id: account.id.clone(),
        csrf: csrf.clone(),
        created_at: now,
        expires_at,
        last_seen_at: now,
    };
    let tx = app.writer.begin().await?;
    // Whoever changes the password ends all sessions, and none that it opened may come after.
    if !still_fits(&tx, &fitted).await? {
        return Err(wrong());
    }
    store::sessions::delete_expired(&tx, now).await?;
    store::sessions::insert(&tx, &row).await?;
    let id = account.id.clone();
    let actor = Actor::Account(account);
    app.record(
        &tx,
        &actor,
        (Subject::Account, &id),
        "signed_in",
        json!({"peer": peer}),
    )
    .await?;
    tx.commit().await?;
    Ok(Session {
        secret,
        csrf,
        expires_at,
    })
}

/// Who a cookie belongs to, with the session's form token. Unknown, expired and disabled all answer nothing.
pub async fn actor_of_session(
    app: &App,
    secret: &str,
) -> Result<Option<(Actor, Session)>, store::Error> {
    let Some(row) = store::sessions::find(&app.reader, &secret_hash(secret)).await? else {
        return Ok(None);
    };
    if row.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let Some(account) = store::accounts::find(&app.reader, &row.account_id).await? else {
        return Ok(None);
    };
    let acting = acting(&app.reader, &account, None).await?;
    Ok(acting.map(|account| {
        let session = Session {
            secret: String::new(),
            csrf: row.csrf,
            expires_at: row.expires_at,
        };
        (Actor::Account(account), session)
    }))
}

/// Ends a session. Ending one that is gone is fine.
pub async fn sign_out(app: &App, secret: &str) -> Result<(), Refused> {
    let tx = app.writer.begin().await?;
    store::sessions::delete(&tx, &secret_hash(secret)).await?;
    store::sessions::delete_expired(&tx, app.clock.now() - HOUR).await?;
    tx.commit().await?;
    Ok(())
}
