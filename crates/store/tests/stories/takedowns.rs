//! What a takedown withholds: nobody reuses it from where it is down.

use store::takedowns::{Takedown, Withheld};
use store::{Store, registry, takedowns};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, digest};

const HERE: &str = "p1/sensor/free";
const THERE: &str = "p2/sensor/free";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_down_is_not_reused_from_there() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        for (repo, text) in [(THERE, "down"), (HERE, "down here"), (THERE, "down here")] {
            registry::link_blob(&tx, repo, &digest(text), 1, true, NOW)
                .await
                .unwrap();
        }
        let takedown = Takedown {
            id: "t1".into(),
            key: "p1.sensor".parse().unwrap(),
            release: None,
            reason: "why".into(),
            taken_by: "a1".into(),
            taken_at: NOW,
            purge_at: NOW,
            purged_at: None,
            lifted: None,
        };
        takedowns::insert(&tx, &takedown).await.unwrap();
        let down = [(THERE, "down"), (HERE, "down here")];
        let withheld = down.map(|(repo, text)| Withheld {
            repository: repo.to_owned(),
            digest: digest(text),
            blob: true,
            everywhere: false,
        });
        takedowns::withhold(&tx, "t1", &withheld).await.unwrap();
        tx.commit().await.unwrap();
        let reader = &store.reader;
        for (text, expected) in [("down", false), ("down here", true)] {
            let may = registry::publisher_may_read(reader, "p1", &digest(text)).await;
            assert_eq!(may.unwrap(), expected, "{text}");
        }
        let hold = takedowns::hold_in(reader, HERE, &digest("down here")).await;
        let hold = hold.unwrap().unwrap();
        assert_eq!((hold.reason.as_str(), hold.blob), ("why", true));
        let elsewhere = takedowns::hold_in(reader, THERE, &digest("down here")).await;
        assert_eq!(elsewhere.unwrap(), None);
    })
    .await;
}
