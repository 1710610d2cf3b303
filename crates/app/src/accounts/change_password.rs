//! A person changes their password; every session ends, the one in use too, and so does what registry clients got for the
//! old one. Refuses without the present password.

use domain::actor::Actor;
use serde_json::json;

use super::{hash_password, verify_password};
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Replaces the acting person's password. Access tokens that the person made stay: they are revoked by themselves.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    current: &str,
    password: &str,
) -> Result<(), Refused> {
    let account = actor.account()?;
    if account.scopes.is_some() {
        return Err(Refused::Conflict(
            "A token does not change its account's password. Sign in with the browser.".into(),
        ));
    }
    app.throttle.check(&format!("sign-in:{}", account.email))?;
    if verify_password(app, &account.email, current)
        .await?
        .is_none()
    {
        return Err(Refused::invalid(
            "current",
            "the present password of this account",
            "another one",
            "Type it again; nothing was changed.",
        ));
    }
    let hash = hash_password(password).await?;
    let tx = app.writer.begin().await?;
    store::accounts::set_password(&tx, &account.id, &hash).await?;
    store::sessions::delete_of_account(&tx, &account.id).await?;
    store::tokens::delete_logins(&tx, &account.id, 0, app.clock.now()).await?;
    let subject = (Subject::Account, account.id.as_str());
    app.record(&tx, actor, subject, "password_changed", json!({}))
        .await?;
    tx.commit().await?;
    Ok(())
}
