//! Once an hour: uploads that nobody continued are dropped, files that a killed process left half-written are swept, and
//! content that nobody needs is collected. Every replica does it; doing it twice, or at once, changes nothing.

use std::time::Duration;

use tokio::sync::watch;

use crate::App;
use crate::clock::DAY;
use crate::registry::{collect_garbage, drop_stale_uploads};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Half-written files are left alone for this long: longer than any upload may idle.
const HALF_WRITTEN_MICROS: i64 = 2 * DAY;

/// Tidies until `stop` turns true.
pub async fn housekeeping(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tidy(&app).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn tidy(app: &App) {
    match drop_stale_uploads(app).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "dropped uploads that nobody continued"),
        Err(error) => tracing::warn!(
            ?error,
            "could not drop stale uploads; trying again in an hour"
        ),
    }
    match app.blobs.sweep(app.clock.now() - HALF_WRITTEN_MICROS).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "swept half-written files"),
        Err(error) => {
            tracing::warn!(%error, "could not sweep half-written files; trying again in an hour");
        }
    }
    let Some(hours) = app.settings.registry.gc_grace_hours else {
        return;
    };
    match collect_garbage(app, hours, false).await {
        Ok(report) => tracing::debug!(?report, "collected garbage"),
        Err(error) => {
            tracing::warn!(?error, "could not collect garbage; trying again in an hour");
        }
    }
}
