//! Jobs: claimed once, taken over when a worker dies, queued once under a key. And the catalog's version.

use serde_json::json;
use store::jobs::{self, Choice, Job, JobCounts, JobState, NewJob, Retry};
use store::{Store, Writer, catalog_version};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, tally};

const LEASE: i64 = 60_000_000;

fn job(id: &str, key: Option<&str>, run_at: i64) -> NewJob {
    NewJob {
        id: id.to_owned(),
        kind: "import".to_owned(),
        payload: json!({"submission": "s1"}),
        publisher: None,
        unique_key: key.map(str::to_owned),
        run_at,
        created_at: NOW,
    }
}

fn retry(at: i64, attempts: i32) -> Option<Retry> {
    Some(Retry { at, attempts })
}

async fn enqueue(writer: &Writer, job: &NewJob) -> bool {
    let tx = writer.begin().await.unwrap();
    let queued = jobs::enqueue(&tx, job).await.unwrap();
    tx.commit().await.unwrap();
    queued
}

async fn claim(writer: &Writer, worker: &str, now: i64) -> Option<Job> {
    jobs::claim(writer, worker, now, LEASE, Choice::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_goes_to_exactly_one_of_many_workers() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        for number in 0..40 {
            assert!(
                jobs::enqueue(&tx, &job(&format!("j{number:02}"), None, NOW))
                    .await
                    .unwrap()
            );
        }
        tx.commit().await.unwrap();
        let work = |worker: String, writer: Writer| async move {
            let mut mine = Vec::new();
            while let Some(job) = claim(&writer, &worker, NOW).await {
                assert_eq!(
                    (job.leased_by.as_deref(), job.attempts),
                    (Some(worker.as_str()), 1)
                );
                mine.push(job.id);
            }
            mine
        };
        let workers: Vec<_> = (0..8)
            .map(|number| tokio::spawn(work(format!("w{number}"), store.writer.clone())))
            .collect();
        let mut claimed = Vec::new();
        for worker in workers {
            claimed.extend(worker.await.unwrap());
        }
        assert_eq!(claimed.len(), 40);
        assert!(tally(claimed).values().all(|count| *count == 1));
        let counts = jobs::counts(&store.reader).await.unwrap();
        assert_eq!(
            counts,
            JobCounts {
                running: 40,
                ..JobCounts::default()
            }
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_workers_job_is_taken_over_and_the_dead_one_is_told() {
    for_each_engine(|store: Store| async move {
        let writer = &store.writer;
        enqueue(writer, &job("j1", None, NOW)).await;
        assert_eq!(claim(writer, "a", NOW - 1).await, None, "not due yet");
        let first = claim(writer, "a", NOW).await.unwrap();
        assert_eq!(
            (first.state, first.lease_until),
            (JobState::Running, Some(NOW + LEASE))
        );
        assert_eq!(
            claim(writer, "b", NOW + LEASE).await,
            None,
            "the lease still holds"
        );
        assert!(
            jobs::renew(writer, "j1", "a", NOW + 2 * LEASE)
                .await
                .unwrap()
        );
        assert_eq!(
            claim(writer, "b", NOW + LEASE + 1).await,
            None,
            "the lease was renewed"
        );

        let second = claim(writer, "b", NOW + 2 * LEASE + 1).await.unwrap();
        assert_eq!((second.id.as_str(), second.attempts), ("j1", 2));
        assert!(
            !jobs::renew(writer, "j1", "a", NOW + 9 * LEASE)
                .await
                .unwrap()
        );
        assert!(!jobs::finish(writer, "j1", "a", NOW).await.unwrap());
        assert!(
            !jobs::fail(writer, "j1", "a", "late", None, NOW)
                .await
                .unwrap()
        );

        // Done in the same transaction as the work's last change: dropped with it, kept with it.
        let tx = writer.begin().await.unwrap();
        assert!(jobs::finish(&tx, "j1", "b", NOW + 5).await.unwrap());
        drop(tx);
        assert_eq!(
            jobs::find(&store.reader, "j1")
                .await
                .unwrap()
                .unwrap()
                .state,
            JobState::Running
        );
        let tx = writer.begin().await.unwrap();
        assert!(jobs::finish(&tx, "j1", "b", NOW + 5).await.unwrap());
        tx.commit().await.unwrap();
        let done = jobs::find(&store.reader, "j1").await.unwrap().unwrap();
        assert_eq!(
            (done.state, done.finished_at, done.leased_by),
            (JobState::Done, Some(NOW + 5), None)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leaves_the_kinds_that_it_has_no_place_for() {
    for_each_engine(|store: Store| async move {
        let writer = &store.writer;
        enqueue(writer, &job("j1", None, NOW)).await;
        let short = NewJob {
            kind: "publish".to_owned(),
            ..job("j2", None, NOW + 1)
        };
        enqueue(writer, &short).await;
        let without = |kinds: &'static [&'static str]| async move {
            let choice = Choice {
                without: kinds,
                ..Choice::default()
            };
            let claimed = jobs::claim(writer, "a", NOW + 1, LEASE, choice).await;
            claimed.unwrap().map(|job| job.id)
        };
        assert_eq!(without(&["import", "publish"]).await, None);
        assert_eq!(without(&["import"]).await.as_deref(), Some("j2"));
        assert_eq!(without(&["import"]).await, None);
        // Neither does it take over what another left.
        let late = NOW + 2 * LEASE;
        let neither = Choice {
            without: &["publish", "import"],
            ..Choice::default()
        };
        let left = jobs::claim(writer, "b", late, LEASE, neither).await;
        assert_eq!(left.unwrap(), None);
        assert_eq!(without(&[]).await.as_deref(), Some("j1"));
    })
    .await;
}

/// Of work that takes long, whoever has least of it under way comes first; short work comes in its order.
#[tokio::test(flavor = "multi_thread")]
async fn publishers_take_turns_with_long_work() {
    for_each_engine(|store: Store| async move {
        let writer = &store.writer;
        let of = |id: &str, publisher: Option<&str>, kind: &str, at: i64| NewJob {
            kind: kind.to_owned(),
            publisher: publisher.map(|id| id.parse().unwrap()),
            ..job(id, None, NOW + at)
        };
        for new in [
            of("a1", Some("a"), "import", 0),
            of("a2", Some("a"), "import", 1),
            of("a3", Some("a"), "rerun", 2),
            of("a4", Some("a"), "publish", 3),
            of("b1", Some("b"), "import", 4),
            of("b2", Some("b"), "import", 5),
            of("old", None, "import", 6),
        ] {
            enqueue(writer, &new).await;
        }
        let in_turn = Choice {
            in_turn: &["import", "rerun"],
            ..Choice::default()
        };
        let next = async |now: i64, choice: Choice<'_>| {
            let claimed = jobs::claim(writer, "w", now, LEASE, choice).await;
            claimed.unwrap().map(|job| job.id)
        };
        let mut order = Vec::new();
        while let Some(id) = next(NOW + 9, in_turn).await {
            order.push(id);
        }
        assert_eq!(order, ["a1", "a4", "b1", "old", "a2", "b2", "a3"]);
        // What a dead worker left is no longer under way, and goes by its time.
        let late = NOW + 10 + LEASE;
        assert!(jobs::renew(writer, "b1", "w", late + LEASE).await.unwrap());
        assert_eq!(next(late, in_turn).await.as_deref(), Some("a1"));
        assert_eq!(next(late, Choice::default()).await.as_deref(), Some("a2"));
        assert_eq!(next(late, in_turn).await.as_deref(), Some("a4"));
        assert_eq!(
            next(late, in_turn).await.as_deref(),
            Some("old"),
            "b has one, a has two"
        );
        assert_eq!(next(late, in_turn).await.as_deref(), Some("b2"));
        assert_eq!(next(late, in_turn).await.as_deref(), Some("a3"));
        assert_eq!(next(late, in_turn).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_queued_once_until_its_job_is_over() {
    for_each_engine(|store: Store| async move {
        let writer = &store.writer;
        let (one, two) = (
            job("j1", Some("import/s1"), NOW),
            job("j2", Some("import/s1"), NOW),
        );
        let (one, two) = tokio::join!(enqueue(writer, &one), enqueue(writer, &two));
        assert!(one ^ two, "{one} {two}");
        assert!(enqueue(writer, &job("j3", Some("import/s2"), NOW + 1)).await);
        let running = claim(writer, "a", NOW).await.unwrap();
        assert!(
            !enqueue(writer, &job("j4", Some("import/s1"), NOW)).await,
            "running counts"
        );
        assert!(
            jobs::fail(
                writer,
                &running.id,
                "a",
                "timed out",
                retry(NOW + 7, 1),
                NOW
            )
            .await
            .unwrap()
        );
        assert!(
            !enqueue(writer, &job("j5", Some("import/s1"), NOW)).await,
            "waiting to be tried again counts"
        );
        let retried = jobs::find(&store.reader, &running.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((retried.state, retried.run_at), (JobState::Queued, NOW + 7));
        assert_eq!(retried.last_error.as_deref(), Some("timed out"));

        // Longest due first.
        assert_eq!(claim(writer, "a", NOW + 9).await.unwrap().id, "j3");
        let again = claim(writer, "a", NOW + 9).await.unwrap();
        assert_eq!(
            (again.id.as_str(), again.attempts),
            (running.id.as_str(), 2)
        );
        assert!(
            jobs::fail(writer, &again.id, "a", "cut", retry(NOW + 9, 0), NOW + 9)
                .await
                .unwrap()
        );
        let again = claim(writer, "a", NOW + 9).await.unwrap();
        assert_eq!(again.attempts, 1, "the one before does not count");
        assert!(
            jobs::fail(writer, &again.id, "a", "gone", None, NOW + 10)
                .await
                .unwrap()
        );
        assert!(
            enqueue(writer, &job("j6", Some("import/s1"), NOW)).await,
            "given up frees the key"
        );
        let failed = jobs::in_state(&store.reader, JobState::Failed, 10)
            .await
            .unwrap();
        assert_eq!(failed.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_jobs_are_swept_a_few_at_a_time() {
    for_each_engine(|store: Store| async move {
        let writer = &store.writer;
        for id in ["done", "failed", "running", "waiting"] {
            enqueue(writer, &job(id, None, NOW)).await;
        }
        for id in ["done", "failed", "running"] {
            assert_eq!(claim(writer, "a", NOW).await.unwrap().id, id);
        }
        assert!(jobs::finish(writer, "done", "a", NOW + 10).await.unwrap());
        let failed = jobs::fail(writer, "failed", "a", "gone", None, NOW + 12).await;
        assert!(failed.unwrap());
        let tx = writer.begin().await.unwrap();
        let mut swept = Vec::new();
        for (before, limit) in [(NOW + 10, 9), (NOW + 11, 9), (NOW + 20, 0), (NOW + 20, 9)] {
            swept.push(jobs::delete_finished(&tx, before, limit).await.unwrap());
        }
        assert_eq!(swept, [0, 1, 0, 1]);
        let left = JobCounts {
            queued: 1,
            running: 1,
            ..JobCounts::default()
        };
        assert_eq!(jobs::counts(&tx).await.unwrap(), left);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_version_counts_every_change() {
    for_each_engine(|store: Store| async move {
        assert_eq!(catalog_version::current(&store.reader).await.unwrap(), 0);
        let bump = |writer: Writer| async move {
            let tx = writer.begin().await.unwrap();
            let version = catalog_version::bump(&tx).await.unwrap();
            tx.commit().await.unwrap();
            version
        };
        let all: Vec<_> = (0..8)
            .map(|_| tokio::spawn(bump(store.writer.clone())))
            .collect();
        let mut versions = Vec::new();
        for one in all {
            versions.push(one.await.unwrap());
        }
        versions.sort_unstable();
        assert_eq!(versions, (1..=8).collect::<Vec<i64>>());
        assert_eq!(catalog_version::current(&store.reader).await.unwrap(), 8);
    })
    .await;
}
