//! Counts pulls for publishers: one each time a released image is sent, whether a tag or its digest was asked for.
//! Counted in memory; every server brings its sums to the database in one transaction every [`BRING_EVERY`] and when it
//! stops, so a pull never waits for a row. A killed server loses what it counted since. Who pulled is not kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oci::{Digest, RepositoryName};
use store::registry::pulls::{Pulled, add};
use tokio::sync::watch;

use crate::App;
use crate::clock::DAY;

/// How often sums are brought.
const BRING_EVERY: Duration = Duration::from_secs(20);

/// What this process counted and did not bring yet.
#[derive(Default)]
pub struct Pulls {
    counts: Mutex<HashMap<Pulled, Arc<AtomicI64>>>,
}

/// Counts the pulls of one manifest in one repository; keep it beside what is served.
#[derive(Clone, Debug)]
pub struct PullCount(Arc<AtomicI64>);

impl PullCount {
    /// One more.
    pub fn pulled(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Pulls {
    /// The counter of a manifest in a repository.
    pub fn of(&self, repository: &RepositoryName, digest: &Digest) -> PullCount {
        let key = (repository.to_string(), digest.to_string());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        PullCount(Arc::clone(counts.entry(key).or_default()))
    }

    /// Takes what was counted, and forgets the counters that nobody holds any more.
    fn take(&self) -> BTreeMap<Pulled, i64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = BTreeMap::new();
        counts.retain(|key, count| {
            // Before the number is read: who still holds it may count on.
            let held = Arc::strong_count(count) > 1;
            let pulls = count.swap(0, Ordering::Relaxed);
            if pulls > 0 {
                taken.insert(key.clone(), pulls);
            }
            held
        });
        taken
    }

    fn put_back(&self, taken: BTreeMap<Pulled, i64>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, pulls) in taken {
            let count = counts.entry(key).or_default();
            count.fetch_add(pulls, Ordering::Relaxed);
        }
    }
}

/// The day of a moment: days since 1970, UTC. What is counted around midnight may fall to either side.
pub fn day_of(micros: i64) -> i64 {
    micros.div_euclid(DAY)
}

/// Brings what this process counted to the database. What cannot be brought is kept for the next time.
pub async fn bring_pulls(app: &App) -> Result<(), store::Error> {
    let taken = app.pulls.take();
    if taken.is_empty() {
        return Ok(());
    }
    let brought = async {
        let tx = app.writer.begin().await?;
        add(&tx, &taken, day_of(app.clock.now())).await?;
        tx.commit().await
    };
    let brought = brought.await;
    if brought.is_err() {
        app.pulls.put_back(taken);
    }
    brought
}

/// Brings sums until `stop` turns true. The last ones are brought by whoever stops the server, after its last answer.
pub(crate) async fn bring_now_and_then(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = bring_pulls(&app).await {
            tracing::warn!(%error, "counts of pulls could not be brought; they are kept and tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(BRING_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_or_counted_twice() {
        let pulls = Pulls::default();
        let repository: RepositoryName = "p1/o1/standard".parse().unwrap();
        let digest = Digest::sha256_of(b"x");
        let count = pulls.of(&repository, &digest);
        count.pulled();
        pulls.of(&repository, &digest).pulled();
        let taken = pulls.take();
        assert_eq!(taken.values().sum::<i64>(), 2);
        assert!(pulls.take().is_empty());
        pulls.put_back(taken);
        count.pulled();
        drop(count);
        assert_eq!(pulls.take().values().sum::<i64>(), 3);
        assert!(
            pulls.counts.lock().unwrap().is_empty(),
            "nobody holds the counter any more"
        );
    }

    #[test]
    fn days_begin_at_midnight() {
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(DAY - 1), 0);
        assert_eq!(day_of(DAY), 1);
        assert_eq!(day_of(-1), -1);
    }
}
