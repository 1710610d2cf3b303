//! A member starts a new offer. Refuses an id that was ever used before.

use domain::actor::Actor;
use domain::ids::{OfferKey, PORTAL_WORDS};
use domain::lifecycle::OfferState;
use domain::offer::Offer;
use domain::role::PublisherAction;
use serde_json::json;
use store::offers::OfferRow;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Creates an empty draft.
pub async fn create_offer(app: &App, actor: &Actor, key: &OfferKey) -> Result<(), Refused> {
    actor.require(&key.publisher, PublisherAction::Edit)?;
    if store::publishers::find(&app.reader, &key.publisher)
        .await?
        .is_none()
    {
        return Err(Refused::not_found("publisher", key.publisher.as_str()));
    }
    if PORTAL_WORDS.contains(&key.offer.as_str()) {
        return Err(Refused::invalid(
            "offer",
            "an id that the portal's own addresses do not use",
            key.offer.as_str(),
            "Choose another id.",
        ));
    }
    let now = app.clock.now();
    let row = OfferRow {
        key: key.clone(),
        draft: Offer::empty(key),
        revision: 1,
        state: OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: now,
        updated_at: now,
    };
    let tx = app.writer.begin().await?;
    store::offers::insert(&tx, &row).await?;
    app.record(
        &tx,
        actor,
        (Subject::Offer, &key.to_string()),
        "offer_created",
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
