//! Pull counts: several servers add to the same rows.

use std::collections::BTreeMap;

use store::Store;
use store::registry::pulls::{Pulled, add, by_repository, forget_days_before, since, totals};
use testkit::engines::for_each_engine;

const ONE: &str = "p1/o1/standard";
const OTHER: &str = "p1/o2/standard";

fn key(repository: &str, digest: &str) -> Pulled {
    (repository.to_owned(), digest.to_owned())
}

fn counted<const N: usize>(pulls: [(&str, &str, i64); N]) -> BTreeMap<Pulled, i64> {
    let pulls = pulls.into_iter();
    pulls
        .map(|(repository, digest, pulls)| (key(repository, digest), pulls))
        .collect()
}

async fn bring(store: &Store, pulls: &BTreeMap<Pulled, i64>, day: i64) {
    let tx = store.writer.begin().await.unwrap();
    add(&tx, pulls, day).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_servers_and_days_add_up() {
    for_each_engine(|store: Store| async move {
        bring(
            &store,
            &counted([(ONE, "a", 2), (ONE, "b", 1), (OTHER, "a", 7)]),
            100,
        )
        .await;
        bring(&store, &counted([(ONE, "a", 3)]), 100).await;
        bring(&store, &counted([(ONE, "a", 10)]), 101).await;
        let all = totals(&store.reader, &[ONE]).await.unwrap();
        assert_eq!(all, counted([(ONE, "a", 15), (ONE, "b", 1)]));
        let late = since(&store.reader, &[ONE, OTHER], 101).await.unwrap();
        assert_eq!(late, counted([(ONE, "a", 10)]));
        let early = since(&store.reader, &[ONE, OTHER], 100).await.unwrap();
        assert_eq!(
            early,
            counted([(ONE, "a", 15), (ONE, "b", 1), (OTHER, "a", 7)])
        );
        let sums = by_repository(&store.reader, &[ONE, OTHER, "p1/none/x"]).await;
        let expected = [(ONE.to_owned(), 16), (OTHER.to_owned(), 7)];
        assert_eq!(sums.unwrap(), BTreeMap::from(expected));
        assert!(totals(&store.reader, &[]).await.unwrap().is_empty());
        assert!(
            totals(&store.reader, &["p1/none/x"])
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_forgotten_and_totals_stay() {
    for_each_engine(|store: Store| async move {
        bring(&store, &counted([(ONE, "a", 2), (OTHER, "a", 7)]), 100).await;
        bring(&store, &counted([(ONE, "a", 3)]), 101).await;
        let tx = store.writer.begin().await.unwrap();
        assert_eq!(forget_days_before(&tx, 101).await.unwrap(), 2);
        assert_eq!(forget_days_before(&tx, 101).await.unwrap(), 0);
        tx.commit().await.unwrap();
        let late = since(&store.reader, &[ONE, OTHER], 0).await.unwrap();
        assert_eq!(late, counted([(ONE, "a", 3)]));
        let all = totals(&store.reader, &[ONE, OTHER]).await.unwrap();
        assert_eq!(all, counted([(ONE, "a", 5), (OTHER, "a", 7)]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_at_once_from_two_servers_lose_nothing() {
    for_each_engine(|store: Store| async move {
        let many: BTreeMap<Pulled, i64> = (0..700)
            .map(|number| (key(ONE, &format!("{number:04}")), 1))
            .collect();
        let (one, other) = tokio::join!(
            async {
                for _ in 0..3 {
                    bring(&store, &many, 5).await;
                }
            },
            async {
                for _ in 0..3 {
                    bring(&store, &many, 5).await;
                }
            }
        );
        assert_eq!((one, other), ((), ()));
        let all = totals(&store.reader, &[ONE]).await.unwrap();
        assert_eq!(all.len(), 700);
        assert!(all.values().all(|pulls| *pulls == 6), "{all:?}");
        assert_eq!(since(&store.reader, &[ONE], 5).await.unwrap(), all);
    })
    .await;
}
