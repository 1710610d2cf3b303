//! Once an hour: uploads that nobody continued are dropped, and files that a killed process left half-written are swept.
//! Every replica does it; doing it twice changes nothing. Removing blobs that nothing links is left out.

use std::time::Duration;

use tokio::sync::watch;

use crate::App;
use crate::clock::DAY;
use crate::registry::drop_stale_uploads;

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
}
