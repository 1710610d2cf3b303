//! Once an hour: uploads that nobody continued are dropped, previews that are over end, what a killed process left
//! half-written or half-done is swept, jobs that ended long ago are forgotten, and content that nobody needs is collected.
//! Every replica does it; doing it twice, or at once, changes nothing.

use std::time::Duration;

use tokio::sync::watch;

use crate::App;
use crate::clock::DAY;
use crate::offers::end_previews;
use crate::pipeline::drop_unnamed_logs;
use crate::registry::{Refusal, collect_garbage_until, day_of, drop_stale_uploads};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Half-written files are left alone for this long: longer than any upload may idle.
const HALF_WRITTEN_MICROS: i64 = 2 * DAY;

/// Tidies until `stop` turns true; what it is at then, it finishes.
pub async fn housekeeping(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tidy(&app, &stop).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn tidy(app: &App, stop: &watch::Receiver<bool>) {
    let stopped = || *stop.borrow();
    told(
        "dropped uploads that nobody continued",
        drop_stale_uploads(app).await,
    );
    if stopped() {
        return;
    }
    told("ended previews that were over", end_previews(app).await);
    if stopped() {
        return;
    }
    told("swept half-written files", sweep(app).await);
    told(
        "forgot pulls of days long gone",
        forget_old_pulls(app).await,
    );
    told(
        "removed event logs of runs that are not known",
        drop_unnamed_logs(app, app.clock.now() - HALF_WRITTEN_MICROS).await,
    );
    told(
        "forgot jobs that ended long ago",
        forget_old_jobs(app).await,
    );
    let Some(hours) = app.settings.registry.gc_grace_hours else {
        return;
    };
    match collect_garbage_until(app, hours, &stopped).await {
        Ok(report) => tracing::debug!(?report, "collected garbage"),
        Err(error) => {
            tracing::warn!(?error, "could not collect garbage; trying again in an hour");
        }
    }
}

/// Chunks of uploads that have a row are somebody's, however old.
async fn sweep(app: &App) -> Result<usize, Refusal> {
    let under_way = store::registry::uploads::ids(&app.reader).await?;
    let before = app.clock.now() - HALF_WRITTEN_MICROS;
    let swept = app.blobs.sweep(before, &under_way).await;
    let swept = swept.map_err(Refusal::storage)?;
    Ok(usize::try_from(swept).unwrap_or(usize::MAX))
}

/// Days of pulls that are kept: three times what anybody is shown.
const PULL_DAYS_MAX: i64 = 90;

async fn forget_old_pulls(app: &App) -> Result<usize, store::Error> {
    let first = day_of(app.clock.now()) - PULL_DAYS_MAX;
    let tx = app.writer.begin().await?;
    let gone = store::registry::pulls::forget_days_before(&tx, first).await?;
    tx.commit().await?;
    Ok(usize::try_from(gone).unwrap_or(usize::MAX))
}

/// How long jobs that were done, or given up, are kept for the operator's pages.
const ENDED_JOBS_MICROS_MAX: i64 = 30 * DAY;
/// Jobs forgotten in one transaction, so that writers never wait long.
const JOBS_AT_ONCE: u64 = 1_000;

async fn forget_old_jobs(app: &App) -> Result<usize, store::Error> {
    let before = app.clock.now() - ENDED_JOBS_MICROS_MAX;
    let mut forgotten = 0;
    loop {
        let tx = app.writer.begin().await?;
        let some = store::jobs::delete_finished(&tx, before, JOBS_AT_ONCE).await?;
        tx.commit().await?;
        forgotten += some;
        if some < JOBS_AT_ONCE {
            return Ok(usize::try_from(forgotten).unwrap_or(usize::MAX));
        }
    }
}

fn told(what: &str, done: Result<usize, impl std::fmt::Debug>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "{what}"),
        Err(error) => tracing::warn!(?error, "failed, trying again in an hour: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use store::Store;
    use store::jobs::{Choice, JobCounts};
    use testkit::engines::for_each_engine;
    use tokio::sync::watch;

    use super::{ENDED_JOBS_MICROS_MAX, tidy};
    use crate::clock::Clock;
    use crate::jobs::Kind;
    use crate::testing;

    const NOW: i64 = 1_700_000_000_000_000;

    async fn old_jobs(store: Store) {
        let clock = Clock::manual(NOW);
        let (app, _keys) = testing::app(store.clone(), clock.clone()).await;
        for id in ["done", "given up", "waits"] {
            testing::queued(&store, id, Kind::Purge, serde_json::json!({}), NOW).await;
            if id == "waits" {
                continue;
            }
            let claimed =
                store::jobs::claim(&store.writer, "w", NOW, 1_000, Choice::default()).await;
            assert_eq!(claimed.unwrap().unwrap().id, id);
            let ended = match id {
                "done" => store::jobs::finish(&store.writer, id, "w", NOW).await,
                _ => store::jobs::fail(&store.writer, id, "w", "why", None, NOW).await,
            };
            assert!(ended.unwrap());
        }
        let (_stop, stopped) = watch::channel(false);
        let left = async || {
            tidy(&app, &stopped).await;
            store::jobs::counts(&store.reader).await.unwrap()
        };
        let all = JobCounts {
            queued: 1,
            done: 1,
            failed: 1,
            ..JobCounts::default()
        };
        clock.advance(ENDED_JOBS_MICROS_MAX);
        assert_eq!(left().await, all, "the operator may still look");
        clock.advance(1);
        let waits = JobCounts {
            queued: 1,
            ..JobCounts::default()
        };
        assert_eq!(left().await, waits);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn jobs_that_ended_long_ago_are_forgotten() {
        for_each_engine(old_jobs).await;
    }
}
