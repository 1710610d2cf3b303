//! The publisher's sign-off: a preview becomes the live module. The tags, the releases, the listing and the index move
//! in a job, in one transaction; this only presses the button. Refuses anything that is not in preview, or was for too long.

use domain::actor::Actor;
use domain::lifecycle::{State, Step};
use domain::role::PublisherAction;

use super::preview::require_not_over;
use super::{advance, require_approved, submission_for};
use crate::App;
use crate::admin::require_not_taken_down;
use crate::error::Refused;
use crate::jobs::Kind;

/// Signs a preview off.
pub async fn go_live(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    let submission = submission_for(app, actor, id, PublisherAction::GoLive).await?;
    if submission.state == State::Preview {
        require_not_over(app, &submission)?;
    }
    require_approved(app, &submission.key).await?;
    let tx = app.writer.begin().await?;
    require_not_taken_down(&tx, &submission.key).await?;
    advance(
        app,
        &tx,
        actor,
        &submission,
        Step::SignOff,
        "signed off by the publisher",
    )
    .await?;
    app.enqueue(&tx, Kind::Publish, id, &submission.key.publisher)
        .await?;
    tx.commit().await?;
    app.jobs_waiting.notify_waiters();
    Ok(())
}
