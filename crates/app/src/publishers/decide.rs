//! The operator approves, refuses, suspends or verifies a publisher. Refuses anyone else.

use domain::actor::Actor;
use domain::ids::PublisherId;
use serde_json::json;
use store::publishers::PublisherState;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// What the operator decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// May publish; `verified` shows the mark next to the name.
    Approve {
        /// The operator checked who they are.
        verified: bool,
    },
    /// May not, and why.
    Refuse(String),
    /// Was approved, may not any longer, and why.
    Suspend(String),
}

/// Carries out a decision on a publisher.
pub async fn decide_publisher(
    app: &App,
    actor: &Actor,
    id: &PublisherId,
    decision: Decision,
) -> Result<(), Refused> {
    actor.require_operator()?;
    let publisher = store::publishers::find(&app.reader, id)
        .await?
        .ok_or_else(|| Refused::not_found("publisher", id.as_str()))?;
    let (state, reason, verified) = match &decision {
        Decision::Approve { verified } => (PublisherState::Approved, "", *verified),
        Decision::Refuse(reason) => (PublisherState::Refused, reason.trim(), false),
        Decision::Suspend(reason) => (PublisherState::Suspended, reason.trim(), publisher.verified),
    };
    if state != PublisherState::Approved && reason.is_empty() {
        return Err(Refused::invalid(
            "reason",
            "a sentence",
            "nothing",
            "Say why, so that they can act on it.",
        ));
    }
    let tx = app.writer.begin().await?;
    let told = (!reason.is_empty()).then_some(reason);
    store::publishers::set_state(&tx, id, state, told).await?;
    store::publishers::set_verified(&tx, id, verified).await?;
    // Names and marks of the publisher stand on every module page.
    store::catalog_version::bump(&tx).await?;
    let data = json!({"state": state.as_str(), "reason": reason, "verified": verified});
    app.record(
        &tx,
        actor,
        (Subject::Publisher, id.as_str()),
        "publisher_decided",
        data,
    )
    .await?;
    tx.commit().await?;
    app.catalog_changed();
    Ok(())
}
