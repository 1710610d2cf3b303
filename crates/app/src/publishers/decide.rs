//! The operator approves, refuses, suspends or verifies a publisher. Refuses anyone else, and to approve an id that looks
//! like another publisher's unless the operator says that it is meant.

use domain::actor::Actor;
use domain::ids::PublisherId;
use serde_json::json;
use store::publishers::{Publisher, PublisherState};

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
    /// The same for a publisher whose id looks like another's: the operator has seen that and means it.
    ApproveLookAlike {
        /// As with `Approve`.
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
        Decision::Approve { verified } | Decision::ApproveLookAlike { verified } => {
            (PublisherState::Approved, "", *verified)
        }
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
    let alike = look_alikes(app, &publisher).await?;
    let plain = matches!(decision, Decision::Approve { .. });
    if plain && publisher.state != PublisherState::Approved && !alike.is_empty() {
        return Err(Refused::Conflict(format!(
            "The id `{id}` can be mistaken for {}. Confirm that it may be used all the same, or refuse it.",
            alike.join(", ")
        )));
    }
    let tx = app.writer.begin().await?;
    // Names and marks of the publisher stand on every module page.
    store::catalog_version::bump(&tx).await?;
    let told = (!reason.is_empty()).then_some(reason);
    store::publishers::set_state(&tx, id, state, told).await?;
    store::publishers::set_verified(&tx, id, verified).await?;
    let data = json!({
        "state": state.as_str(), "reason": reason, "verified": verified, "looks_like": alike,
    });
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

/// Ids of other publishers that this one's id can be mistaken for.
pub async fn look_alikes(app: &App, publisher: &Publisher) -> Result<Vec<String>, store::Error> {
    let alike = store::publishers::by_skeleton(&app.reader, &publisher.skeleton).await?;
    let others = alike.iter().filter(|other| other.id != publisher.id);
    Ok(others.map(|other| other.id.to_string()).collect())
}
