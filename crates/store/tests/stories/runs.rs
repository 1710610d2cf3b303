//! Runs of modules: what certifies takes the place of what did before, nights are kept for a while, and logs that nobody
//! needs any more are named.

use domain::behaviour::{Footprint as Measured, Observed};
use oci::Digest;
use store::runs::{self, Footprint, Log, NIGHTS_KEPT, Run, Summary};
use store::{Store, submissions};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, digest, plan, submission};

fn run(id: &str, nightly: bool, at: i64) -> Run {
    Run {
        summary: Summary {
            id: id.to_owned(),
            submission: "s1".to_owned(),
            plan: plan("pro"),
            platform: "linux/arm/v7".parse().unwrap(),
            digest: digest("image"),
            nightly,
            began_at: NOW + at,
            environment: "0.1.0".to_owned(),
            engine: "Podman Engine 4.3.1".to_owned(),
            passed: 21,
            applicable: 22,
            broken: vec!["RUN-06".to_owned()],
            emulated: false,
            why_not: None,
            footprint: Some(Footprint {
                memory_peak_bytes: 20_000_000,
                memory_steady_bytes: 19_000_000,
                cpu_permille: 12,
            }),
            log: Some(Log {
                digest: Digest::sha256_of(id.as_bytes()),
                bytes: 77,
            }),
        },
        observed: Ok(Box::new(Observed {
            contained: true,
            footprint: Some(Measured {
                memory_peak_bytes: 20_000_000,
                ..Measured::default()
            }),
            ..Observed::default()
        })),
        left_out: vec!["/HostConfig/Privileged".to_owned()],
    }
}

async fn keep(store: &Store, run: &Run) -> Vec<Digest> {
    let tx = store.writer.begin().await.unwrap();
    let unused = runs::keep(&tx, run).await.unwrap();
    tx.commit().await.unwrap();
    unused
}

async fn story(store: Store) {
    begin(&store).await;
    let tx = store.writer.begin().await.unwrap();
    submissions::insert(&tx, &submission("s1", "p1.sensor", 1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let reader = &store.reader;

    let first = run("r1", false, 1);
    assert_eq!(keep(&store, &first).await, []);
    assert_eq!(runs::find(reader, "r1").await.unwrap(), Some(first.clone()));
    let mut not_run = run("r2", false, 2);
    not_run.observed = Err("no emulator".to_owned());
    not_run.summary.why_not = Some("no emulator".to_owned());
    not_run.summary.footprint = None;
    not_run.summary.log = None;
    let unused = keep(&store, &not_run).await;
    assert_eq!(unused, [Digest::sha256_of(b"r1")], "it took its place");
    assert_eq!(runs::certifying(reader, "s1").await.unwrap(), [not_run]);

    for night in 0..=NIGHTS_KEPT {
        let id = format!("n{night:02}");
        let unused = keep(&store, &run(&id, true, 10 + i64::try_from(night).unwrap())).await;
        let expected = if night == NIGHTS_KEPT { 1 } else { 0 };
        assert_eq!(unused.len(), expected, "{id}");
    }
    let found = runs::summaries(reader, "s1").await.unwrap();
    assert_eq!(found.len() as u64, NIGHTS_KEPT + 1);
    assert_eq!(
        found[0],
        run(
            &format!("n{NIGHTS_KEPT:02}"),
            true,
            10 + i64::try_from(NIGHTS_KEPT).unwrap()
        )
        .summary
    );
    let last = found.last().unwrap();
    assert!(!last.nightly, "what certified stays");
    let logs = runs::logs(reader, None, 1_000).await.unwrap();
    assert_eq!(logs.len() as u64, NIGHTS_KEPT);
    assert!(logs.is_sorted());
    let rest = runs::logs(reader, Some(&logs[3]), 2).await.unwrap();
    assert_eq!(rest, logs[4..6]);
    assert_eq!(runs::find(reader, "none").await.unwrap(), None);
    logs_travel(&store).await;
}

/// The bytes of a log are kept by their digest, copied with the rest, and removed by it.
async fn logs_travel(store: &Store) {
    let bytes = bytes::Bytes::from_static(b"an event log");
    let digest = store.blobs.put_run_log(bytes.clone()).await.unwrap();
    let mut last = run("last", true, 1_000);
    last.summary.log = Some(Log {
        digest: digest.clone(),
        bytes: bytes.len() as u64,
    });
    keep(store, &last).await;
    let folder = testkit::folder::Folder::new("copy").unwrap();
    let url = format!("file://{}", folder.path().display());
    let target = store::Blobs::at(&url, None).unwrap();
    let before = store::blobs::Before::Trusted;
    let ways = (&store.blobs, &target);
    let tally = store::backup::copy_bytes(&store.reader, ways, before, store::backup::PATIENCE)
        .await
        .unwrap();
    assert_eq!(tally.copied, 1, "{tally:?}");
    assert_eq!(target.get_run_log(&digest).await.unwrap(), Some(bytes));
    store.blobs.delete_run_log(&digest).await.unwrap();
    assert_eq!(store.blobs.get_run_log(&digest).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_kept_as_long_as_they_tell_something() {
    for_each_engine(story).await;
}
