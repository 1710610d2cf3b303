//! The operator undoes a takedown: what it alone held is as it was before, and who did it and why is kept. Refuses anyone
//! else, a takedown that is over, and one whose bytes are gone.

use domain::actor::Actor;
use serde_json::json;
use store::takedowns::Lifted;

use super::take_down::{move_tags, read_reason, release_words};
use super::withheld::{give_back, manifests_of};
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Lifts a takedown.
pub async fn lift_takedown(
    app: &App,
    actor: &Actor,
    id: &str,
    reason: &str,
) -> Result<(), Refused> {
    let by = actor.require_operator()?.id.clone();
    let reason = read_reason(reason)?;
    let tx = app.writer.begin().await?;
    store::catalog_version::bump(&tx).await?;
    let takedown = store::takedowns::find(&tx, id)
        .await?
        .ok_or_else(|| Refused::not_found("takedown", id))?;
    let withheld = store::takedowns::withheld(&tx, id).await?;
    let now = app.clock.now();
    let lifted = Lifted {
        by,
        at: now,
        reason: reason.clone(),
    };
    if !store::takedowns::lift(&tx, id, &lifted).await? {
        let why = if takedown.lifted.is_some() {
            "it was lifted already."
        } else {
            "its bytes are gone. Let the publisher submit the module under a new version or a new offer."
        };
        return Err(Refused::Conflict(format!(
            "This takedown of {} cannot be lifted: {why}",
            takedown.key
        )));
    }
    let all = store::releases::of_offer(&tx, &takedown.key).await?;
    let down = store::takedowns::of_offer(&tx, &takedown.key).await?;
    let lifted = manifests_of(&withheld);
    give_back(&tx, &takedown.key, (&all, &down), lifted, now).await?;
    move_tags(&tx, &takedown.key, &all, &down, now).await?;
    let data = json!({"takedown": id, "reason": reason, "release": release_words(&takedown)});
    let subject = (Subject::Offer, &*takedown.key.to_string());
    app.record(&tx, actor, subject, "takedown_lifted", data)
        .await?;
    tx.commit().await?;
    app.catalog_changed();
    Ok(())
}
