//! Keeps a job's lease while its work goes on. From a task of its own: on SQLite the renewal waits for the one connection that
//! writes, which the very work may be holding or waiting for, so neither may wait for the other.

use std::time::Duration;

use store::Writer;
use tokio::task::JoinSet;

use crate::clock::{Clock, SECOND};

/// How long a worker may be silent before its job is taken over.
pub(super) const LEASE_MICROS: i64 = 15 * SECOND;
/// How often a working job says that it lives.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);

/// Whose lease on which job.
#[derive(Clone)]
pub(super) struct Lease {
    pub writer: Writer,
    pub clock: Clock,
    pub job: String,
    /// A name of this claim alone: when the lease runs out, the same process may be the next to claim the job.
    pub worker: String,
}

/// What came of the work; `None` when the lease was lost, and the work was broken off.
pub(super) async fn leased<T>(
    lease: Lease,
    every: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    // Ends with this future, however that ends.
    let mut renewal = JoinSet::new();
    renewal.spawn(renew_until_lost(lease, every));
    tokio::select! {
        done = work => Some(done),
        _ = renewal.join_next() => None,
    }
}

async fn renew_until_lost(lease: Lease, every: Duration) {
    // The first at once: the claim itself may have waited for the database for most of its lease.
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let until = lease.clock.now() + LEASE_MICROS;
        let renewed = store::jobs::renew(&lease.writer, &lease.job, &lease.worker, until);
        match renewed.await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    job = lease.job,
                    "lost the lease; another worker has the job"
                );
                return;
            }
            Err(error) => tracing::warn!(job = lease.job, %error, "could not renew the lease"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::Store;
    use store::jobs::Choice;
    use testkit::engines::for_each_engine;
    use tokio::sync::oneshot;

    use super::{LEASE_MICROS, Lease, leased};
    use crate::clock::Clock;
    use crate::jobs::Kind;
    use crate::testing;

    const NOW: i64 = 1_700_000_000_000_000;
    const OFTEN: Duration = Duration::from_millis(1);
    /// Less than a writer waits for the connection before it gives up.
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn claimed(store: &Store) -> Lease {
        testing::queued(store, "j1", Kind::Import, serde_json::json!({}), NOW).await;
        let claimed =
            store::jobs::claim(&store.writer, "w1", NOW, LEASE_MICROS, Choice::default()).await;
        Lease {
            writer: store.writer.clone(),
            clock: Clock::manual(NOW),
            job: claimed.unwrap().unwrap().id,
            worker: "w1".into(),
        }
    }

    /// The work holds a transaction while the lease is to be renewed, so that on SQLite the renewal has to wait for it.
    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_writes_goes_on_while_the_renewal_waits() {
        for_each_engine(|store: Store| async move {
            let lease = claimed(&store).await;
            let (ask, asked) = oneshot::channel::<()>();
            let (answer, answered) = oneshot::channel::<()>();
            let writer = store.writer.clone();
            let work = async move {
                let tx = writer.begin().await.unwrap();
                asked.await.unwrap();
                answer.send(()).unwrap();
                tx.commit().await.unwrap();
            };
            let working = tokio::spawn(leased(lease, OFTEN, work));
            // Long enough for many renewals; the first of them is waiting now.
            tokio::time::sleep(OFTEN * 200).await;
            ask.send(()).unwrap();
            let told = tokio::time::timeout(PATIENCE, answered).await;
            told.expect("the work waits for its own lease").unwrap();
            assert_eq!(working.await.unwrap(), Some(()));
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_whose_lease_is_lost_is_broken_off() {
        for_each_engine(|store: Store| async move {
            let lease = claimed(&store).await;
            let late = NOW + LEASE_MICROS + 1;
            let taken =
                store::jobs::claim(&store.writer, "w2", late, LEASE_MICROS, Choice::default())
                    .await;
            assert_eq!(taken.unwrap().unwrap().id, lease.job);
            let work = std::future::pending::<()>();
            let working = tokio::time::timeout(PATIENCE, leased(lease, OFTEN, work));
            assert_eq!(working.await.expect("it goes on"), None);
        })
        .await;
    }
}
