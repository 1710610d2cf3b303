//! A module that ran, as a row: for tests of what is shown and kept, which need no container engine.

use domain::behaviour::{
    Footprint as Measured, ImageSize, Life, Messages, Moment, Network, Observed, Reached, Stop,
    Timeline,
};
use domain::release::ReleasePlatform;
use store::Store;
use store::runs::{Footprint, Log, Run, Summary};

/// What was seen of a sensor that works.
pub fn observed() -> Observed {
    let moments = (1..=40).map(|at| Moment {
        at_ms: at * 1_000,
        memory_bytes: 18_020_096 + at * 100_000,
        cpu_permille: 10 + at * at % 9,
        messages: if (14..26).contains(&at) { 0 } else { at % 3 },
    });
    Observed {
        contained: true,
        first: Life {
            reached: Reached::Sending,
            connected_ms: Some(1_240),
            message_ms: Some(1_900),
            watched_ms: 40_000,
            ..Life::default()
        },
        messages: Messages {
            count: 27,
            watched_ms: 38_000,
            ..Messages::default()
        },
        stop: Some(Stop {
            took_ms: 410,
            killed: false,
            said_goodbye: Some(true),
        }),
        network: Some(Network::default()),
        footprint: Some(Measured {
            memory_peak_bytes: 22_020_096,
            memory_steady_bytes: 20_971_520,
            memory_bytes_max: 536_870_912,
            cpu_permille: 13,
            samples: 40,
        }),
        image: Some(ImageSize {
            compressed_bytes: Some(18_400_000),
            unpacked_bytes: 47_000_000,
        }),
        timeline: Timeline::of(moments.collect(), Some((14_000, 26_000))),
        ..Observed::default()
    }
}

/// A run of an image that passed everything, at a moment; its event log is kept with the other bytes.
///
/// # Panics
/// When the storage fails.
#[expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made ends the test"
)]
pub async fn ran(store: &Store, submission: &str, image: &ReleasePlatform, began_at: i64) -> Run {
    let observed = observed();
    let log = bytes::Bytes::from(format!("log of {submission} on {}", image.platform));
    let took = observed.footprint.clone().unwrap();
    Run {
        summary: Summary {
            id: format!("run-of-{submission}"),
            submission: submission.to_owned(),
            plan: "standard".parse().unwrap(),
            platform: image.platform.clone(),
            digest: image.digest.clone(),
            nightly: false,
            began_at,
            environment: "0.1.0".to_owned(),
            engine: "Podman Engine 4.3.1".to_owned(),
            passed: 21,
            applicable: 21,
            broken: Vec::new(),
            emulated: false,
            why_not: None,
            footprint: Some(Footprint {
                memory_peak_bytes: took.memory_peak_bytes,
                memory_steady_bytes: took.memory_steady_bytes,
                cpu_permille: took.cpu_permille,
            }),
            log: Some(Log {
                bytes: log.len() as u64,
                digest: store.blobs.put_run_log(log).await.unwrap(),
            }),
        },
        observed: Ok(Box::new(observed)),
        left_out: vec!["/HostConfig/Privileged".to_owned()],
    }
}

/// The same image in a night after that, when it did not connect any more.
pub fn broke(run: &Run, began_at: i64) -> Run {
    let mut broken = run.clone();
    let summary = &mut broken.summary;
    summary.id = format!("night-of-{}", summary.submission);
    summary.nightly = true;
    summary.began_at = began_at;
    summary.passed = 4;
    summary.applicable = 5;
    summary.broken = vec!["RUN-05".to_owned()];
    if let Ok(observed) = &mut broken.observed {
        observed.first.reached = Reached::ConnectRefused;
        observed.first.connected_ms = None;
        observed.first.message_ms = None;
        observed.messages = Messages::default();
        observed.timeline.outage_ms = None;
    }
    broken
}

/// An image that nobody could run.
pub fn not_run(run: &Run, image: &ReleasePlatform, why: &str) -> Run {
    let mut without = run.clone();
    let summary = &mut without.summary;
    summary.id = format!("no-{}-{}", image.platform.architecture, summary.id);
    summary.platform = image.platform.clone();
    summary.digest = image.digest.clone();
    summary.why_not = Some(why.to_owned());
    summary.footprint = None;
    summary.log = None;
    (summary.passed, summary.applicable) = (0, 0);
    without.observed = Err(why.to_owned());
    without.left_out = Vec::new();
    without
}

/// Keeps runs, and lets the catalog look again.
///
/// # Panics
/// When the database fails.
#[expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made ends the test"
)]
pub async fn keep(store: &Store, runs: &[Run]) {
    let tx = store.writer.begin().await.unwrap();
    for run in runs {
        store::runs::keep(&tx, run).await.unwrap();
    }
    store::catalog_version::bump(&tx).await.unwrap();
    tx.commit().await.unwrap();
}
