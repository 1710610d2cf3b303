//! Keeps this process's catalog fresh: rebuilt when `catalog_version` moved, at once after a change made here and within
//! a second after one made by another replica.

use std::time::Duration;

use tokio::sync::watch;

use super::build;
use crate::App;

/// How often the version is looked at; a go-live elsewhere is findable here within a second.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// Follows until `stop` turns true.
pub async fn follow(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let changed = app.catalog_changed.notified();
        match store::catalog_version::current(&app.reader).await {
            Ok(version) if version != app.catalog.snapshot().version => {
                match build(&app.reader).await {
                    Ok(snapshot) => app.catalog.swap(snapshot),
                    Err(error) => {
                        tracing::warn!(%error, "could not rebuild the catalog; the old one stays");
                    }
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "could not look for catalog changes"),
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}
