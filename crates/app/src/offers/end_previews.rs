//! Previews whose time is over end by themselves: the submission is cancelled with the reason, its pull tokens stop, and what
//! it alone was made of becomes garbage. For the marketplace's own jobs.

use domain::actor::Actor;
use domain::lifecycle::Step;
use store::submissions::Submission;

use super::advance;
use crate::App;
use crate::error::Refused;

/// Ended at a time; the next run takes the others.
const PREVIEWS_MAX: u64 = 1_000;

/// Ends previews that are over; tells how many.
pub async fn end_previews(app: &App) -> Result<usize, Refused> {
    let now = app.clock.now();
    let over = store::submissions::previews_over(&app.reader, now, PREVIEWS_MAX).await?;
    let mut ended = 0;
    for submission in &over {
        match end(app, submission).await {
            Ok(()) => ended += 1,
            // Signed off, cancelled or ended by another replica meanwhile.
            Err(Refused::Conflict(_)) => {}
            Err(error) => {
                tracing::warn!(
                    submission = submission.id,
                    ?error,
                    "could not end a preview"
                );
            }
        }
    }
    Ok(ended)
}

async fn end(app: &App, submission: &Submission) -> Result<(), Refused> {
    let why =
        "The preview ended before anybody signed it off. Submit the offer again for a new one.";
    let tx = app.writer.begin().await?;
    advance(app, &tx, &Actor::System, submission, Step::Cancel, why).await?;
    let now = app.clock.now();
    store::submissions::set_failure(&tx, &submission.id, why, now).await?;
    store::registry::pull_tokens::revoke_of_submission(&tx, &submission.id, now).await?;
    tx.commit().await?;
    Ok(())
}
