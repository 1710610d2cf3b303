//! Releases: added once, sorted as numbers.

use store::{Error, Store, offers, publishers, releases};
use testkit::engines::for_each_engine;

use crate::rows::{begin, digest, key, offer, plan, publisher, release};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_a_plan_is_released_once() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let sensor = key("p1.sensor");
        let tx = store.writer.begin().await.unwrap();
        for version in ["1.9.0", "1.10.0", "0.1.0"] {
            releases::insert(&tx, &release("p1.sensor", "pro", version))
                .await
                .unwrap();
        }
        releases::insert(&tx, &release("p1.sensor", "free", "1.9.0"))
            .await
            .unwrap();
        releases::insert(&tx, &release("p1.pump", "pro", "1.9.0"))
            .await
            .unwrap();
        let again = releases::insert(&tx, &release("p1.sensor", "pro", "1.9.0")).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
        tx.commit().await.unwrap();

        let reader = &store.reader;
        let of_plan = releases::of_plan(reader, &sensor, &plan("pro"))
            .await
            .unwrap();
        let versions: Vec<String> = of_plan
            .iter()
            .map(|release| release.version.to_string())
            .collect();
        assert_eq!(versions, ["1.10.0", "1.9.0", "0.1.0"]);
        assert_eq!(of_plan[1], release("p1.sensor", "pro", "1.9.0"));
        let of_offer = releases::of_offer(reader, &sensor).await.unwrap();
        let names: Vec<_> = of_offer
            .iter()
            .map(|r| format!("{} {}", r.plan, r.version))
            .collect();
        assert_eq!(
            names,
            ["free 1.9.0", "pro 1.10.0", "pro 1.9.0", "pro 0.1.0"]
        );
        let found = releases::find(reader, &sensor, &plan("pro"), "1.10.0".parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found, Some(release("p1.sensor", "pro", "1.10.0")));
        assert_eq!(
            releases::find(reader, &sensor, &plan("pro"), "9.9.9".parse().unwrap())
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            releases::by_digest(reader, &digest("1.9.0"))
                .await
                .unwrap()
                .len(),
            3
        );
        assert_eq!(
            releases::by_digest(reader, &digest("other")).await.unwrap(),
            []
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_differ_in_their_separator_are_different() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        for id in ["a-b", "a_b", "ab"] {
            publishers::insert(&tx, &publisher(id)).await.unwrap();
            offers::insert(&tx, &offer(&format!("{id}.m")))
                .await
                .unwrap();
            releases::insert(&tx, &release(&format!("{id}.m"), "p", "1.0.0"))
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        for id in ["a-b", "a_b", "ab"] {
            let found = releases::of_offer(&store.reader, &key(&format!("{id}.m")))
                .await
                .unwrap();
            assert_eq!(found.len(), 1, "{id}");
        }
        // Bytewise, whatever the database's language thinks of `-` and `_`.
        let ids: Vec<_> = publishers::list(&store.reader, None).await.unwrap();
        assert_eq!(
            ids.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(),
            ["a-b", "a_b", "ab"]
        );
    })
    .await;
}
