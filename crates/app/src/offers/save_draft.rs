//! A member saves the draft. Anything of the right shape is kept, complete or not: nobody loses what they typed.
//! Refuses ids that do not match, a plan's repository changed after going live, and a save over someone else's.

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::offer::Offer;
use domain::role::PublisherAction;

use super::offer_for;
use crate::App;
use crate::error::Refused;

/// Largest draft as JSON, in bytes.
pub(crate) const DRAFT_BYTES_MAX: usize = 512 * 1024;

/// Saves a draft over the revision that the editor had loaded; returns the new revision.
pub async fn save_draft(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    draft: &Offer,
    revision: i64,
) -> Result<i64, Refused> {
    let row = offer_for(app, actor, key, PublisherAction::Edit).await?;
    if draft.key() != *key {
        return Err(Refused::invalid(
            "offer",
            "the ids of the offer that is being saved",
            draft.key().to_string(),
            "Ids never change; create another offer instead.",
        ));
    }
    let size = serde_json::to_vec(draft).map_or(usize::MAX, |bytes| bytes.len());
    if size > DRAFT_BYTES_MAX {
        return Err(Refused::invalid(
            "offer",
            "at most 512 KiB in all",
            format!("{size} bytes"),
            "Shorten the longest texts.",
        ));
    }
    let tx = app.writer.begin().await?;
    let saved = store::offers::save_draft(&tx, key, draft, revision, app.clock.now()).await?;
    if !saved {
        return Err(Refused::Conflict(format!(
            "Someone else saved this offer meanwhile (it is at revision {}, you edited revision {revision}). Load it again and repeat your change.",
            row.revision
        )));
    }
    tx.commit().await?;
    Ok(revision + 1)
}
