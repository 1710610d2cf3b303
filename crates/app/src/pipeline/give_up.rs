//! A job failed too often. The submission must not hang: it is rejected with the last reason, or, after sign-off, put
//! back into preview. A nightly run that failed changes nothing: the next night tries again.

use domain::actor::Actor;
use domain::lifecycle::{State, Step};
use serde_json::Value;
use store::jobs::Job;

use crate::App;
use crate::error::Refused;
use crate::offers::advance;

use super::fetch::{drop_parts, forget_parts};

/// Ends the submission of a job that will not be tried again. Trouble in here is logged; the job's own state tells the rest.
pub(crate) async fn give_up(app: &App, job: &Job, why: &str) {
    let Some(id) = job.payload.get("submission").and_then(Value::as_str) else {
        return;
    };
    if let Err(error) = end(app, id, why).await {
        tracing::error!(submission = id, %error, "could not end the submission of a failed job");
    }
}

async fn end(app: &App, id: &str, why: &str) -> Result<(), Refused> {
    let Some(submission) = store::submissions::find(&app.reader, id).await? else {
        return Ok(());
    };
    let step = match submission.state {
        State::Importing | State::Certifying => Step::Reject,
        State::Publishing => Step::UndoPublish,
        _ => return Ok(()),
    };
    let told = format!("tried several times without success: {why}");
    let tx = app.writer.begin().await?;
    // First: when it ended meanwhile, the parts are its successor's.
    advance(app, &tx, &Actor::System, &submission, step, &told).await?;
    store::submissions::set_failure(&tx, id, &told, app.clock.now()).await?;
    let parts = forget_parts(&tx, &submission).await?;
    tx.commit().await?;
    drop_parts(app, &parts).await;
    Ok(())
}
