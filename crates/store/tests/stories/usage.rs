//! What publishers hold: links of many blobs at once, and what is kept of the last count.

use oci::Digest;
use store::registry::{self, KeptUsage, Usage};
use store::{Error, Store, Writer};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, digest};

/// Enough that two who link them in opposite orders meet.
const BLOBS: usize = 200;
const ROUNDS: usize = 3;

async fn link(writer: Writer, repo: &'static str, blobs: Vec<Digest>) -> Result<(), Error> {
    let tx = writer.begin().await?;
    let sizes = blobs.iter().map(|blob| (blob, 1));
    registry::link_blobs(&tx, repo, sizes, NOW).await?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_link_the_same_blobs_do_not_wait_for_each_other_in_a_circle() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        for round in 0..ROUNDS {
            let some = |number: usize| digest(&format!("{round} {number}"));
            let there: Vec<Digest> = (0..BLOBS).map(some).collect();
            let back: Vec<Digest> = there.iter().rev().cloned().collect();
            let one = tokio::spawn(link(store.writer.clone(), "p1/sensor/free", there));
            let two = tokio::spawn(link(store.writer.clone(), "p1/pump/free", back));
            one.await.unwrap().unwrap();
            two.await.unwrap().unwrap();
        }
        let held = registry::usage(&store.reader, "p1").await.unwrap();
        assert_eq!(held.bytes, (BLOBS * ROUNDS) as u64, "each once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_is_kept_and_added_to() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let reader = &store.reader;
        assert_eq!(registry::kept_usage(reader, "p1").await.unwrap(), None);
        let kept = KeptUsage {
            usage: Usage {
                bytes: 5_000_000_000,
                repositories: 2,
                tags: 3,
            },
            counted_at: NOW,
        };
        let tx = store.writer.begin().await.unwrap();
        // Nothing is kept yet, so there is nothing to add to.
        registry::add_to_usage(&tx, "p1", 9).await.unwrap();
        assert_eq!(registry::kept_usage(&tx, "p1").await.unwrap(), None);
        registry::keep_usage(&tx, "p1", &kept).await.unwrap();
        registry::add_to_usage(&tx, "p1", 7).await.unwrap();
        registry::add_to_usage(&tx, "p2", 7).await.unwrap();
        tx.commit().await.unwrap();
        let found = registry::kept_usage(reader, "p1").await.unwrap().unwrap();
        assert_eq!(found.usage.bytes, 5_000_000_007);
        assert_eq!((found.usage.repositories, found.usage.tags), (2, 3));
        let tx = store.writer.begin().await.unwrap();
        registry::keep_usage(&tx, "p1", &kept).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            registry::kept_usage(reader, "p1").await.unwrap(),
            Some(kept)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_leaves_what_its_publisher_pushed_and_nothing_else() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        let repos = [
            ("incoming/p1/a", NOW),
            ("incoming/p1/b", NOW + 1),
            ("incoming/p1-b/a", NOW),
            ("incoming/p2/a", NOW),
            ("p1/sensor/free", NOW),
        ];
        for (repo, at) in repos {
            registry::link_blob(&tx, repo, &digest("x"), 1, false, at)
                .await
                .unwrap();
        }
        let gone = registry::unlink_incoming(&tx, "p1", &digest("x"), NOW + 1).await;
        assert_eq!(gone.unwrap(), 1);
        for (repo, _) in repos {
            let held = registry::has_blob(&tx, repo, &digest("x")).await.unwrap();
            assert_eq!(held.is_some(), repo != "incoming/p1/a", "{repo}");
        }
    })
    .await;
}
