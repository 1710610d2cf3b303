//! The operator gives and takes the marketplace roles, and shuts accounts out. Refuses anyone else, and refuses to leave
//! the marketplace without an operator who can sign in.

use domain::actor::Actor;
use serde_json::json;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// The account, locked after all operators: what is asked of it and of them holds until the change is made.
async fn locked(tx: &store::Tx, id: &str) -> Result<store::accounts::Account, Refused> {
    store::accounts::lock_operators(tx).await?;
    store::accounts::lock(tx, id)
        .await?
        .ok_or_else(|| Refused::not_found("account", id))
}

/// Asked within the change's own transaction, after `lock_operators`, so that two operators cannot drop each other at once.
pub(super) async fn keep_one_operator(tx: &store::Tx) -> Result<(), Refused> {
    if store::accounts::count_operators(tx).await? > 0 {
        return Ok(());
    }
    Err(Refused::Conflict(
        "This is the last operator who can sign in. Make someone else operator first.".into(),
    ))
}

/// Sets both marketplace roles of an account.
pub async fn set_roles(
    app: &App,
    actor: &Actor,
    id: &str,
    reviewer: bool,
    operator: bool,
) -> Result<(), Refused> {
    actor.require_operator()?;
    let tx = app.writer.begin().await?;
    let row = locked(&tx, id).await?;
    if store::accounts::is_erased(&row) {
        return Err(Refused::Conflict(
            "The person behind this account was erased; it has no roles any more.".into(),
        ));
    }
    store::accounts::set_roles(&tx, id, reviewer, operator).await?;
    keep_one_operator(&tx).await?;
    let data = json!({"reviewer": reviewer, "operator": operator});
    app.record(&tx, actor, (Subject::Account, id), "roles_set", data)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Shuts an account out, ends its sessions and takes back the pull tokens it made for previews; or lets it in again. Its
/// access tokens stop working meanwhile.
pub async fn set_disabled(
    app: &App,
    actor: &Actor,
    id: &str,
    disabled: bool,
) -> Result<(), Refused> {
    actor.require_operator()?;
    let tx = app.writer.begin().await?;
    let row = locked(&tx, id).await?;
    if row.disabled_at.is_some() == disabled {
        return Ok(());
    }
    if store::accounts::is_erased(&row) {
        return Err(Refused::Conflict(
            "The person behind this account was erased; it is shut out for good.".into(),
        ));
    }
    store::accounts::set_disabled(&tx, id, disabled.then(|| app.clock.now())).await?;
    if disabled {
        keep_one_operator(&tx).await?;
        store::sessions::delete_of_account(&tx, id).await?;
        let now = app.clock.now();
        store::registry::pull_tokens::revoke_of_account(&tx, id, now).await?;
    }
    let kind = if disabled {
        "account_disabled"
    } else {
        "account_enabled"
    };
    app.record(&tx, actor, (Subject::Account, id), kind, json!({}))
        .await?;
    tx.commit().await?;
    Ok(())
}
