//! Many at once: the same blob, the same place of one upload, a delete against a push, a delete against a pull.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use testkit::image::{ImageBuilder, digest};

use crate::market::{INBOX, Market, on_both, on_both_with, strict};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_blob_sixty_four_times() {
    on_both(async |market: Market| {
        let market = Arc::new(market);
        let token = Arc::new(market.pusher(INBOX).await);
        let bytes: Arc<Vec<u8>> = Arc::new(
            (0..1_000_000_u32)
                .map(|i| i.to_le_bytes()[(i % 3) as usize])
                .collect(),
        );
        let name = digest(&bytes);
        let mut tasks = Vec::new();
        for number in 0..64 {
            let (market, token, bytes, name) =
                (market.clone(), token.clone(), bytes.clone(), name.clone());
            tasks.push(tokio::spawn(async move {
                let auth = ("Authorization", token.as_str());
                let opened = market
                    .ask("POST", &format!("/v2/{INBOX}/blobs/uploads/"), &[auth], b"")
                    .await;
                let location = opened.header("location").to_owned();
                let mut body = bytes.as_slice();
                if number % 2 == 0 {
                    assert_eq!(
                        market.ask("PATCH", &location, &[auth], &bytes).await.status,
                        202
                    );
                    body = b"";
                }
                market
                    .ask("PUT", &format!("{location}?digest={name}"), &[auth], body)
                    .await
                    .status
            }));
        }
        for task in tasks {
            assert_eq!(task.await.unwrap(), 201);
        }
        let got = market
            .ask(
                "GET",
                &format!("/v2/{INBOX}/blobs/{name}"),
                &[("Authorization", &token)],
                b"",
            )
            .await;
        assert!(got.body == *bytes);
        // However they raced, nothing of theirs is left but the blob.
        let left = store::registry::uploads::of_repository(&market.reader, INBOX);
        assert_eq!(left.await.unwrap(), []);
        let stored: Vec<_> = market.blobs.list().try_collect().await.unwrap();
        assert_eq!(stored.len(), 1, "{stored:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_chunks_for_one_place_one_gets_in() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let opened = market
            .ask("POST", &format!("/v2/{INBOX}/blobs/uploads/"), &[auth], b"")
            .await;
        let location = opened.header("location").to_owned();
        let (one, other) = (vec![b'1'; 500_000], vec![b'2'; 500_000]);
        let headers = [auth, ("Content-Range", "0-499999")];
        let (first, second) = tokio::join!(
            market.ask("PATCH", &location, &headers, &one),
            market.ask("PATCH", &location, &headers, &other)
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 416]);
        let kept = if first.status == 202 { one } else { other };
        let closed = market
            .ask(
                "PUT",
                &format!("{location}?digest={}", digest(&kept)),
                &[auth],
                b"",
            )
            .await;
        assert_eq!(closed.status, 201, "{}", closed.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_never_left_without_its_layers() {
    on_both_with(strict(), async |market: Market| {
        let market = Arc::new(market);
        let token = market.pusher(INBOX).await;
        for round in 0..12 {
            let image = ImageBuilder::all_platforms()
                .single()
                .file("round", round.to_string(), 0o644)
                .build();
            for (_, bytes) in &image.blobs {
                market.push_blob(INBOX, &token, bytes).await;
            }
            let (top, layer) = (image.top().clone(), image.largest_blob().0.clone());
            let auth = ("Authorization", token.as_str());
            let (manifest_at, blob_at) = (
                format!("/v2/{INBOX}/manifests/race"),
                format!("/v2/{INBOX}/blobs/{layer}"),
            );
            let (headers, only_auth) = ([auth, ("Content-Type", top.media_type.as_str())], [auth]);
            let (pushed, deleted) = tokio::join!(
                market.ask("PUT", &manifest_at, &headers, &top.bytes),
                market.ask("DELETE", &blob_at, &only_auth, b"")
            );
            match (pushed.status, deleted.status) {
                (201, 409) | (400, 202) => {}
                other => panic!("{other:?}: {} {}", pushed.text(), deleted.text()),
            }
            let there = market.ask("HEAD", &blob_at, &[auth], b"").await.status;
            assert_eq!(there, if pushed.status == 201 { 200 } else { 404 });
        }
    })
    .await;
}

/// Whoever pulls while a tag or its manifest goes gets all of it or is told that there is none; never a part, never an
/// error of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_meets_a_delete_is_whole_or_not_at_all() {
    on_both(async |market: Market| {
        let market = Arc::new(market);
        let token = market.pusher(INBOX).await;
        let (mut whole, mut none) = (0, 0);
        for round in 0..16_usize {
            let image = ImageBuilder::all_platforms()
                .single()
                .file("round", round.to_string(), 0o644)
                .build();
            market.push_image(INBOX, "race", &image).await;
            let top = image.top();
            let name = if round % 2 == 0 { "race" } else { &top.digest };
            let gone = format!("/v2/{INBOX}/manifests/{name}");
            let mut pulls = tokio::task::JoinSet::new();
            for _ in 0..4 {
                let (market, token) = (Arc::clone(&market), token.clone());
                pulls.spawn(async move {
                    let auth = [("Authorization", token.as_str())];
                    let by_tag = format!("/v2/{INBOX}/manifests/race");
                    market.ask("GET", &by_tag, &auth, b"").await
                });
            }
            let auth = [("Authorization", token.as_str())];
            let deleted = market.ask("DELETE", &gone, &auth, b"").await;
            assert_eq!(deleted.status, 202, "{}", deleted.text());
            for pulled in pulls.join_all().await {
                match pulled.status {
                    200 => {
                        assert!(pulled.body == top.bytes);
                        whole += 1;
                    }
                    404 => {
                        assert_eq!(pulled.code(), "MANIFEST_UNKNOWN");
                        none += 1;
                    }
                    other => panic!("{other}: {}", pulled.text()),
                }
            }
            let by_tag = format!("/v2/{INBOX}/manifests/race");
            let after = market.ask("GET", &by_tag, &auth, b"").await;
            assert_eq!(after.status, 404, "a delete is seen at once");
            let by_digest = format!("/v2/{INBOX}/manifests/{}", top.digest);
            let kept = market.ask("GET", &by_digest, &auth, b"").await.status;
            assert_eq!(kept, if round % 2 == 0 { 200 } else { 404 });
        }
        eprintln!("{whole} whole, {none} told there is none");
        assert_eq!(whole + none, 64);
    })
    .await;
}
