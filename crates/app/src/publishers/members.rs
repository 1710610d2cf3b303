//! Owners and managers say who else belongs to the publisher. Refuses to leave a publisher without an owner, and a
//! manager who would make or unmake owners.

use domain::actor::Actor;
use domain::ids::PublisherId;
use domain::role::{MemberRole, PublisherAction};
use serde_json::json;
use store::Tx;
use store::members::Member;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Adds a member by mail address, or changes a member's role.
pub async fn put_member(
    app: &App,
    actor: &Actor,
    publisher: &PublisherId,
    email: &str,
    role: MemberRole,
) -> Result<(), Refused> {
    actor.require(publisher, PublisherAction::ManageMembers)?;
    let email = email.trim().to_lowercase();
    let account = store::accounts::find_by_email(&app.reader, &email)
        .await?
        .ok_or_else(|| {
            Refused::invalid(
                "email",
                "the address of an account here",
                email.as_str(),
                "Ask them to sign up first.",
            )
        })?;
    let tx = app.writer.begin().await?;
    let locked = store::accounts::lock(&tx, &account.id).await?;
    if locked.is_none_or(|row| store::accounts::is_erased(&row)) {
        return Err(Refused::not_found("account", email));
    }
    store::publishers::lock(&tx, publisher).await?;
    let present = role_of(&tx, publisher, &account.id).await?;
    if role == MemberRole::Owner || present == Some(MemberRole::Owner) {
        actor.require(publisher, PublisherAction::EditProfile)?;
    }
    if present == Some(MemberRole::Owner) && role != MemberRole::Owner {
        require_another_owner(&tx, publisher, &account.id).await?;
    }
    let member = Member {
        publisher: publisher.clone(),
        account_id: account.id.clone(),
        role,
        created_at: app.clock.now(),
    };
    store::members::put(&tx, &member).await?;
    let data = json!({"account": account.id, "role": role.as_str()});
    app.record(
        &tx,
        actor,
        (Subject::Publisher, publisher.as_str()),
        "member_put",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a member out.
pub async fn remove_member(
    app: &App,
    actor: &Actor,
    publisher: &PublisherId,
    account_id: &str,
) -> Result<(), Refused> {
    actor.require(publisher, PublisherAction::ManageMembers)?;
    let tx = app.writer.begin().await?;
    store::publishers::lock(&tx, publisher).await?;
    let present = role_of(&tx, publisher, account_id)
        .await?
        .ok_or_else(|| Refused::not_found("member", account_id))?;
    if present == MemberRole::Owner {
        actor.require(publisher, PublisherAction::EditProfile)?;
        require_another_owner(&tx, publisher, account_id).await?;
    }
    store::members::remove(&tx, publisher, account_id).await?;
    let now = app.clock.now();
    store::registry::pull_tokens::revoke_for_publisher(&tx, publisher, account_id, now).await?;
    let data = json!({"account": account_id});
    app.record(
        &tx,
        actor,
        (Subject::Publisher, publisher.as_str()),
        "member_removed",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn role_of(
    tx: &Tx,
    publisher: &PublisherId,
    account_id: &str,
) -> Result<Option<MemberRole>, Refused> {
    let members = store::members::of_publisher(tx, publisher).await?;
    let member = members
        .into_iter()
        .find(|(m, _)| m.account_id == account_id);
    Ok(member.map(|(m, _)| m.role))
}

/// Asked after the publisher was locked, so that of two owners who drop each other one stays.
async fn require_another_owner(
    tx: &Tx,
    publisher: &PublisherId,
    account_id: &str,
) -> Result<(), Refused> {
    let members = store::members::of_publisher(tx, publisher).await?;
    let another = members
        .iter()
        .any(|(m, _)| m.role == MemberRole::Owner && m.account_id != account_id);
    if another {
        Ok(())
    } else {
        Err(Refused::Conflict(
            "A publisher keeps at least one owner. Make someone else owner first.".into(),
        ))
    }
}
