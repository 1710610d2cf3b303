//! A person is erased: name and address are replaced, sessions and tokens end, leads lose everything personal, and the
//! audit trail keeps the account's id as a pseudonym. Asked for by the person with their password, or by an operator for an
//! account that is shut out. Refuses to leave a publisher without an owner, or the marketplace without an operator.
//!
//! Left out: contacts that a publisher wrote into its own profile and offers; they are the publisher's to change.

use domain::actor::Actor;
use domain::role::MemberRole;
use serde_json::{Value, json};
use store::Tx;
use store::accounts::Account;

use super::roles::keep_one_operator;
use super::verify_password;
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// What is shown in place of the name.
pub const ERASED_NAME: &str = "Erased account";

/// The acting person erases themselves; the password says that it is they.
pub async fn erase_own_account(app: &App, actor: &Actor, password: &str) -> Result<(), Refused> {
    let account = actor.account()?;
    if account.scopes.is_some() {
        return Err(Refused::Conflict(
            "A token does not erase its account. Sign in with the browser.".into(),
        ));
    }
    app.throttle.check(&format!("erase:{}", account.id))?;
    if verify_password(app, &account.email, password)
        .await?
        .is_none()
    {
        return Err(Refused::invalid(
            "password",
            "the password of this account",
            "another one",
            "Type it again; nothing was erased.",
        ));
    }
    erase(app, actor, &account.id).await
}

/// An operator erases an account that is shut out already: two steps, so that no slip erases anybody.
pub async fn erase_account(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    actor.require_operator()?;
    let row = store::accounts::find(&app.reader, id)
        .await?
        .ok_or_else(|| Refused::not_found("account", id))?;
    if row.disabled_at.is_none() {
        return Err(Refused::Conflict(
            "Shut the account out first; erasing cannot be undone.".into(),
        ));
    }
    erase(app, actor, id).await
}

async fn erase(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    let now = app.clock.now();
    let tx = app.writer.begin().await?;
    let row = store::accounts::find(&tx, id)
        .await?
        .ok_or_else(|| Refused::not_found("account", id))?;
    if store::accounts::is_erased(&row) {
        return Ok(());
    }
    keep_owners(&tx, id).await?;
    store::accounts::erase(&tx, id, ERASED_NAME, now).await?;
    if row.operator {
        keep_one_operator(&tx).await?;
    }
    store::sessions::delete_of_account(&tx, id).await?;
    store::tokens::delete_of_account(&tx, id).await?;
    store::members::remove_of_account(&tx, id).await?;
    store::preview_audience::remove_of_account(&tx, id).await?;
    let leads = store::leads::scrub_of_account(&tx, id, ERASED_NAME).await?;
    store::events::scrub_account(&tx, id).await?;
    unname_waivers(app, &tx, &row).await?;
    let data = json!({"leads": leads});
    app.record(&tx, actor, (Subject::Account, id), "account_erased", data)
        .await?;
    tx.commit().await?;
    app.catalog_changed();
    Ok(())
}

/// Whoever goes gives their publishers to somebody first.
async fn keep_owners(tx: &Tx, id: &str) -> Result<(), Refused> {
    let mut alone = Vec::new();
    for member in store::members::of_account(tx, id).await? {
        if member.role != MemberRole::Owner {
            continue;
        }
        let others = store::members::of_publisher(tx, &member.publisher).await?;
        let another = others
            .iter()
            .any(|(other, _)| other.role == MemberRole::Owner && other.account_id != id);
        if !another {
            alone.push(member.publisher.to_string());
        }
    }
    if alone.is_empty() {
        return Ok(());
    }
    Err(Refused::Conflict(format!(
        "This account is the only owner of {}. Make another member owner first, on the publisher's page for members.",
        alone.join(", ")
    )))
}

/// Waivers carry the reviewer's name into reports that everyone reads.
async fn unname_waivers(app: &App, tx: &Tx, row: &Account) -> Result<(), Refused> {
    let now = app.clock.now();
    let waived = store::events::subjects_of_actor(tx, &row.id, "rule_waived").await?;
    for id in &waived {
        let Some(submission) = store::submissions::find(tx, id).await? else {
            continue;
        };
        let mut waivers = submission.waivers;
        unname(&mut waivers, &row.name);
        store::submissions::set_waivers(tx, id, &waivers, now).await?;
        if let Some(mut report) = submission.report {
            unname(&mut report, &row.name);
            store::submissions::set_report(tx, id, &report, now).await?;
        }
    }
    if !waived.is_empty() {
        store::catalog_version::bump(tx).await?;
    }
    Ok(())
}

/// Replaces a name wherever a value says by whom something was done.
fn unname(value: &mut Value, name: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unname(item, name)),
        Value::Object(members) => {
            for (key, member) in members {
                if key == "by" && member.as_str() == Some(name) {
                    *member = json!(ERASED_NAME);
                } else {
                    unname(member, name);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn only_who_did_it_is_renamed() {
        let mut report = json!({"results": [{"title": "Rita", "waiver": {"by": "Rita", "reason": "by Rita"}}], "by": "Ann"});
        super::unname(&mut report, "Rita");
        assert_eq!(
            report,
            json!({"results": [{"title": "Rita", "waiver": {"by": "Erased account", "reason": "by Rita"}}], "by": "Ann"})
        );
    }
}
