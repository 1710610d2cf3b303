//! Once an hour: uploads that nobody continued are dropped, previews that are over end, files that a killed process left
//! half-written are swept, and content that nobody needs is collected. Every replica does it; doing it twice, or at once, changes nothing.

use std::time::Duration;

use tokio::sync::watch;

use crate::App;
use crate::clock::DAY;
use crate::offers::end_previews;
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

fn told(what: &str, done: Result<usize, impl std::fmt::Debug>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "{what}"),
        Err(error) => tracing::warn!(?error, "failed, trying again in an hour: {what}"),
    }
}
