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
use crate::offers::WAIVED_BY;
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
    // First of all, as in a go-live, which then changes the submission whose report it may be to rewrite.
    store::catalog_version::bump(&tx).await?;
    // In the order of everybody who locks these: operators, the account, its publishers.
    store::accounts::lock_operators(&tx).await?;
    let row = store::accounts::lock(&tx, id)
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
    store::registry::pull_tokens::revoke_of_account(&tx, id, now).await?;
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
    // New ones cannot come while the account is locked; what it is in these may have changed until they were.
    for member in store::members::of_account(tx, id).await? {
        store::publishers::lock(tx, &member.publisher).await?;
    }
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
        let Some(submission) = store::submissions::lock(tx, id).await? else {
            continue;
        };
        let mut waivers = submission.waivers;
        let named = unname(&mut waivers, row);
        store::submissions::set_waivers(tx, id, &waivers, now).await?;
        if let Some(mut report) = submission.report {
            unname_in(&mut report, &named);
            store::submissions::set_report(tx, id, &report, now).await?;
        }
    }
    Ok(())
}

/// What a report repeats of a waiver: rule, place, reason and name.
type Repeated = [Value; 4];

fn repeated(waiver: &Value) -> Repeated {
    ["rule", "place", "reason", "by"].map(|member| waiver[member].clone())
}

/// Replaces the name in the waivers of one account; gives them as they were. Those from before accounts were kept with
/// waivers are known by the name alone.
fn unname(waivers: &mut Value, row: &Account) -> Vec<Repeated> {
    let mut named = Vec::new();
    for waiver in waivers.as_array_mut().into_iter().flatten() {
        let own = match waiver[WAIVED_BY].as_str() {
            Some(account) => account == row.id,
            None => waiver["by"].as_str() == Some(row.name.as_str()),
        };
        if own {
            named.push(repeated(waiver));
            waiver["by"] = json!(ERASED_NAME);
        }
    }
    named
}

/// The same wherever a report repeats them.
fn unname_in(value: &mut Value, named: &[Repeated]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unname_in(item, named)),
        Value::Object(members) => {
            for (key, member) in members {
                if key == "waiver" && named.contains(&repeated(member)) {
                    member["by"] = json!(ERASED_NAME);
                } else {
                    unname_in(member, named);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use store::accounts::Account;

    fn account(id: &str) -> Account {
        Account {
            id: id.into(),
            email: "rita@market.example".into(),
            name: "Rita".into(),
            password_hash: String::new(),
            reviewer: true,
            operator: false,
            disabled_at: None,
            created_at: 0,
        }
    }

    #[test]
    fn of_two_reviewers_of_one_name_one_is_renamed() {
        let waiver = |place: &str, account: Option<&str>| {
            let mut waiver =
                json!({"rule": "DEF-05", "place": place, "reason": "by Rita", "by": "Rita"});
            if let Some(account) = account {
                waiver[super::WAIVED_BY] = json!(account);
            }
            waiver
        };
        let mut waivers = json!([
            waiver("a", Some("r1")),
            waiver("b", Some("r2")),
            waiver("c", None)
        ]);
        let named = super::unname(&mut waivers, &account("r1"));
        let by = |value: &Value| value["by"].as_str().unwrap_or_default().to_owned();
        let all: Vec<String> = waivers.as_array().into_iter().flatten().map(by).collect();
        assert_eq!(all, ["Erased account", "Rita", "Erased account"]);
        let mut report = json!({"results": [
            {"title": "Rita", "waiver": waiver("a", None)},
            {"waiver": waiver("b", None)}
        ]});
        super::unname_in(&mut report, &named);
        let at = |at: usize| by(&report["results"][at]["waiver"]);
        assert_eq!((at(0).as_str(), at(1).as_str()), ("Erased account", "Rita"));
        assert_eq!(report["results"][0]["title"], "Rita");
    }
}
