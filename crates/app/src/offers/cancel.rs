//! A member takes a submission back. Possible until go-live; what was imported for it stays unlinked from the public.

use domain::actor::Actor;
use domain::lifecycle::Step;
use domain::role::PublisherAction;

use super::{advance, submission_for};
use crate::App;
use crate::error::Refused;

/// Cancels a submission. A job that is working on it notices at its next step and stops.
pub async fn cancel_submission(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    let submission = submission_for(app, actor, id, PublisherAction::Submit).await?;
    let tx = app.writer.begin().await?;
    advance(app, &tx, actor, &submission, Step::Cancel, "taken back by the publisher").await?;
    store::registry::pull_tokens::revoke_of_submission(&tx, id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}
