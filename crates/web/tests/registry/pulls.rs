//! Pull counts: what is a pull, and that replicas add up.

use app::registry::bring_pulls;
use testkit::image::ImageBuilder;

use crate::market::{LIVE, Market, on_both};
use crate::search::list_an_offer;

/// All pulls of the repository that the database knows.
async fn known(market: &Market) -> i64 {
    let totals = store::registry::pulls::totals(&market.reader, &[LIVE]).await;
    totals.unwrap().values().sum()
}

async fn set_tag(market: &Market, tag: &str, digest: &str) {
    let tx = market.writer.begin().await.unwrap();
    let digest = digest.parse().unwrap();
    store::registry::set_tag(&tx, LIVE, tag, &digest, 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_is_an_image_sent_by_tag_or_digest() {
    on_both(async |market: Market| {
        let image = ImageBuilder::all_platforms().build();
        market.release(LIVE, "1.0.0", &image, true).await;
        let top = &image.top().digest;
        let child = &image.manifests[0].digest;
        assert_ne!(top, child);
        let address = |name: &str| format!("/v2/{LIVE}/manifests/{name}");
        for _ in 0..3 {
            assert_eq!(market.get(&address("1.0.0")).await.status, 200);
        }
        assert_eq!(market.get(&address(top)).await.status, 200);
        // A tag of a platform's own image; who follows the index asks for the same by digest.
        set_tag(&market, "1.0.0-amd64", child).await;
        assert_eq!(market.get(&address("1.0.0-amd64")).await.status, 200);
        // What comes after it, what is only asked about, what the client has, and what is not there.
        assert_eq!(market.get(&address(child)).await.status, 200);
        let asked = market.ask("HEAD", &address("1.0.0"), &[], b"").await;
        assert_eq!(asked.status, 200);
        let tag = asked.header("etag").to_owned();
        let had = [("If-None-Match", tag.as_str())];
        let had = market.ask("GET", &address("1.0.0"), &had, b"").await;
        assert_eq!(had.status, 304);
        assert_eq!(market.get(&address("2.0.0")).await.status, 404);
        assert_eq!(known(&market).await, 0, "no row is touched by a pull");
        bring_pulls(&market.app).await.unwrap();
        assert_eq!(known(&market).await, 5);
        bring_pulls(&market.app).await.unwrap();
        assert_eq!(known(&market).await, 5, "nothing is brought twice");
        // A replica counts for itself, and both go on adding.
        let twin = market.twin().await;
        assert_eq!(twin.get(&address("1.0.0")).await.status, 200);
        assert_eq!(market.get(&address("1.0.0")).await.status, 200);
        let (here, there) = tokio::join!(bring_pulls(&market.app), bring_pulls(&twin.app));
        assert_eq!((here.is_ok(), there.is_ok()), (true, true));
        assert_eq!(known(&market).await, 7);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hub_clients_see_the_count_and_that_it_moved() {
    on_both(async |market: Market| {
        list_an_offer(&market).await;
        let image = ImageBuilder::all_platforms().build();
        market.release(LIVE, "1.0.0", &image, true).await;
        let list = "/v2/repositories/contoso/";
        let one = format!("{list}sensor/standard/");
        let before = market.get(list).await;
        assert_eq!(before.json()["results"][0]["pull_count"], 0);
        for _ in 0..2 {
            market.get(&format!("/v2/{LIVE}/manifests/1.0.0")).await;
        }
        bring_pulls(&market.app).await.unwrap();
        let had = [("If-None-Match", before.header("etag"))];
        let after = market.ask("GET", list, &had, b"").await;
        assert_eq!(after.status, 200);
        assert_eq!(after.json()["results"][0]["pull_count"], 2);
        assert_eq!(market.get(&one).await.json()["pull_count"], 2);
        let found = market.get("/v2/search/repositories/?query=sensor").await;
        assert_eq!(found.json()["results"][0]["pull_count"], 2);
    })
    .await;
}
