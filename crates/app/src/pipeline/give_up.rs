//! A job failed too often. The submission must not hang: it is rejected with the last reason, or, after sign-off, put
//! back into preview. A nightly run that failed changes nothing: the next night tries again.

use domain::actor::Actor;
use domain::lifecycle::{State, Step};
use serde_json::Value;
use store::Tx;
use store::jobs::Job;

use crate::App;
use crate::error::Refused;
use crate::offers::advance;

use super::fetch::forget_parts;

/// Ends the submission of a job that will not be tried again, in the transaction that says so of the job; gives what
/// [`super::drop_parts`] takes once that is committed.
pub(crate) async fn give_up(
    app: &App,
    tx: &Tx,
    job: &Job,
    why: &str,
) -> Result<Vec<String>, Refused> {
    let Some(id) = job.payload.get("submission").and_then(Value::as_str) else {
        return Ok(Vec::new());
    };
    let Some(submission) = store::submissions::find(tx, id).await? else {
        return Ok(Vec::new());
    };
    let step = match submission.state {
        State::Importing | State::Certifying => Step::Reject,
        State::Publishing => Step::UndoPublish,
        _ => return Ok(Vec::new()),
    };
    let told = format!("tried several times without success: {why}");
    // First: when it ended meanwhile, the parts are its successor's.
    advance(app, tx, &Actor::System, &submission, step, &told).await?;
    store::submissions::set_failure(tx, id, &told, app.clock.now()).await?;
    Ok(forget_parts(tx, &submission).await?)
}
