//! A member takes a submission back. Possible until go-live; what was imported for it stays unlinked from the public.

use domain::actor::Actor;
use domain::lifecycle::Step;
use domain::role::PublisherAction;
use store::submissions::Submission;

use super::{advance, submission_for};
use crate::App;
use crate::error::Refused;

/// Tries against a job that moves the submission at the same moment.
const TRIES_MAX: u32 = 5;

/// Cancels a submission. A job that is working on it notices at its next step and stops.
pub async fn cancel_submission(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    let mut tries = 0;
    loop {
        tries += 1;
        let submission = submission_for(app, actor, id, PublisherAction::Submit).await?;
        match cancel(app, actor, &submission).await {
            // The job was faster; what it made of the submission can be cancelled just as well.
            Err(Refused::Conflict(_)) if submission.state.may_cancel() && tries < TRIES_MAX => {}
            done => return done,
        }
    }
}

async fn cancel(app: &App, actor: &Actor, submission: &Submission) -> Result<(), Refused> {
    let tx = app.writer.begin().await?;
    advance(
        app,
        &tx,
        actor,
        submission,
        Step::Cancel,
        "taken back by the publisher",
    )
    .await?;
    store::registry::pull_tokens::revoke_of_submission(&tx, &submission.id, app.clock.now())
        .await?;
    tx.commit().await?;
    Ok(())
}
