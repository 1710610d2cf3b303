//! Writes down that a try did not finish its job. Where that was the last one, the submission ends with it, in one
//! transaction: of a worker that lost its lease nothing of that happens, since another has the job by now.

use store::jobs::{Job, Retry};

use super::runner::with_causes;
use crate::App;
use crate::clock::MINUTE;
use crate::error::Refused;
use crate::pipeline;

/// When it is tried again to give a job up.
const AGAIN_MICROS: i64 = 5 * MINUTE;

/// `false`: the job is no longer this worker's. What cannot be ended is not given up either, but tried again, since it would
/// hang for ever.
pub(super) async fn write_failed(
    app: &App,
    worker: &str,
    job: &Job,
    why: &str,
    retry: Option<Retry>,
) -> Result<bool, Refused> {
    let now = app.clock.now();
    if let Some(retry) = retry {
        let retry = Some(retry);
        return Ok(store::jobs::fail(&app.writer, &job.id, worker, why, retry, now).await?);
    }
    match give_up(app, worker, job, why).await {
        Ok(given_up) => Ok(given_up),
        Err(error) => {
            let why = format!(
                "{why}; and it could not be given up: {}",
                with_causes(&error)
            );
            tracing::error!(job = job.id, why, "trying to give a job up again later");
            let retry = Some(Retry {
                at: now + AGAIN_MICROS,
                attempts: job.attempts,
            });
            Ok(store::jobs::fail(&app.writer, &job.id, worker, &why, retry, now).await?)
        }
    }
}

async fn give_up(app: &App, worker: &str, job: &Job, why: &str) -> Result<bool, Refused> {
    let tx = app.writer.begin().await?;
    let parts = pipeline::give_up(app, &tx, job, why).await?;
    let now = app.clock.now();
    if !store::jobs::fail(&tx, &job.id, worker, why, None, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.commit().await?;
    pipeline::drop_parts(app, &parts).await;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use domain::lifecycle::State;
    use store::Store;
    use store::jobs::{Choice, JobState};
    use testkit::engines::for_each_engine;

    use super::write_failed;
    use crate::clock::Clock;
    use crate::jobs::Kind;
    use crate::testing;

    const NOW: i64 = 1_700_000_000_000_000;
    const LEASE: i64 = 1_000;

    /// The submission ends with the last try of whoever has the job, and not before.
    async fn last_tries(store: Store) {
        let (app, _keys) = testing::app(store.clone(), Clock::manual(NOW)).await;
        let submission = testing::submission(&store, State::Importing).await;
        let payload = serde_json::json!({"submission": submission.id});
        testing::queued(&store, "j1", Kind::Import, payload, NOW).await;
        let claim = async |worker: &str, now: i64| {
            let claimed =
                store::jobs::claim(&store.writer, worker, now, LEASE, Choice::default()).await;
            claimed.unwrap().unwrap()
        };
        let state = async || {
            let found = store::submissions::find(&store.reader, &submission.id).await;
            let found = found.unwrap().unwrap();
            (found.state, found.failure.is_some())
        };
        let slow = claim("slow", NOW).await;
        let quick = claim("quick", NOW + LEASE + 1).await;
        assert_eq!(slow.id, quick.id, "the lease of the first ran out");

        let written = write_failed(&app, "slow", &slow, "timed out", None).await;
        assert!(!written.unwrap(), "it is the other's");
        assert_eq!(state().await, (State::Importing, false));
        let written = write_failed(&app, "quick", &quick, "timed out", None).await;
        assert!(written.unwrap());
        assert_eq!(state().await, (State::Rejected, true));
        let ended = store::jobs::find(&store.reader, "j1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.state, JobState::Failed);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_submission_ends_with_the_last_try_of_whoever_has_the_job() {
        for_each_engine(last_tries).await;
    }
}
