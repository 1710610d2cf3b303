//! An owner gives the publisher away: another member becomes owner, and who gave it away becomes manager. Ids, offers and
//! images stay what they are. Refuses anyone but an owner, somebody who is no member, and oneself.

use domain::actor::Actor;
use domain::ids::PublisherId;
use domain::role::{MemberRole, PublisherAction};
use serde_json::json;
use store::members::Member;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Makes a member owner in place of the acting owner.
pub async fn transfer_ownership(
    app: &App,
    actor: &Actor,
    publisher: &PublisherId,
    to_account: &str,
) -> Result<(), Refused> {
    actor.require(publisher, PublisherAction::EditProfile)?;
    let from = actor.account()?.id.clone();
    let tx = app.writer.begin().await?;
    store::publishers::lock(&tx, publisher).await?;
    let members = store::members::of_publisher(&tx, publisher).await?;
    let role = |id: &str| {
        let found = members.iter().find(|(member, _)| member.account_id == id);
        found.map(|(member, _)| member.role)
    };
    // Asked again within the change: two owners may be giving it away at the same moment.
    if role(&from) != Some(MemberRole::Owner) {
        return Err(Refused::Conflict(
            "You are not an owner of this publisher any more.".into(),
        ));
    }
    if to_account == from {
        return Err(Refused::Conflict("You are its owner already.".into()));
    }
    if role(to_account).is_none() {
        return Err(Refused::not_found("member", to_account));
    }
    for (account, role) in [
        (to_account, MemberRole::Owner),
        (from.as_str(), MemberRole::Manager),
    ] {
        let member = Member {
            publisher: publisher.clone(),
            account_id: account.to_owned(),
            role,
            created_at: app.clock.now(),
        };
        store::members::put(&tx, &member).await?;
    }
    let data = json!({"from": from, "to": to_account});
    let subject = (Subject::Publisher, publisher.as_str());
    app.record(&tx, actor, subject, "ownership_transferred", data)
        .await?;
    tx.commit().await?;
    Ok(())
}
