//! A member hides a live offer: it leaves search, and those who have it keep pulling and re-deploying. And back again.

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::lifecycle::{OfferState, StopReason};
use domain::role::PublisherAction;
use serde_json::json;
use store::offers::StopInfo;

use super::{offer_for, require_approved};
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Why, and what to use instead.
#[derive(Clone, Debug)]
pub struct StopSelling {
    /// One of the catalog contract's reasons.
    pub reason: StopReason,
    /// Another offer of the same publisher.
    pub alternative: Option<OfferKey>,
}

/// Takes a live offer out of the storefront.
pub async fn stop_selling(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    command: StopSelling,
) -> Result<(), Refused> {
    let row = offer_for(app, actor, key, PublisherAction::GoLive).await?;
    if row.state != OfferState::Live {
        return Err(Refused::Conflict(format!(
            "{key} is not live; there is nothing to stop."
        )));
    }
    if let Some(alternative) = &command.alternative {
        let known = store::offers::find(&app.reader, alternative).await?;
        if alternative.publisher != key.publisher || known.is_none() {
            return Err(Refused::invalid(
                "alternative",
                "another offer of the same publisher",
                alternative.to_string(),
                "Choose one of your own offers, or none.",
            ));
        }
    }
    let stop = StopInfo {
        reason: command.reason,
        alternative: command.alternative.map(|key| key.to_string()),
        at: app.clock.now(),
    };
    change(
        app,
        actor,
        key,
        OfferState::Stopped,
        Some(stop),
        "stopped_selling",
    )
    .await
}

/// Puts a stopped offer back.
pub async fn resume_selling(app: &App, actor: &Actor, key: &OfferKey) -> Result<(), Refused> {
    let row = offer_for(app, actor, key, PublisherAction::GoLive).await?;
    require_approved(app, key).await?;
    if row.state != OfferState::Stopped {
        return Err(Refused::Conflict(format!("{key} was not stopped.")));
    }
    change(app, actor, key, OfferState::Live, None, "resumed_selling").await
}

async fn change(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    state: OfferState,
    stop: Option<StopInfo>,
    kind: &str,
) -> Result<(), Refused> {
    let tx = app.writer.begin().await?;
    // First, as everybody does who changes what visitors see: a go-live holds it while it waits for the offer.
    store::catalog_version::bump(&tx).await?;
    let reason = stop.as_ref().map(|stop| stop.reason);
    store::offers::set_state(&tx, key, state, stop.as_ref(), app.clock.now()).await?;
    let data = json!({ "reason": reason });
    app.record(&tx, actor, (Subject::Offer, &key.to_string()), kind, data)
        .await?;
    tx.commit().await?;
    app.catalog_changed();
    Ok(())
}
