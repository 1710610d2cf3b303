//! What one publisher may hold: refused with the limit and the way out, before the bytes travel and however many pushes
//! come at once; and the trail that every push and delete leaves.

use std::sync::Arc;

use app::settings::Quota;
use serde_json::json;
use store::registry::{KeptUsage, Usage, keep_usage, usage};
use testkit::image::digest;

use crate::http::Answer;
use crate::market::{EVE, INBOX, Market, on_both, on_both_within};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const BLOB_BYTES: usize = 50_000;

fn bytes(number: usize) -> Vec<u8> {
    number.to_le_bytes().repeat(BLOB_BYTES / 8)
}

async fn push(market: &Market, repository: &str, token: &str, body: &[u8]) -> Answer {
    let target = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(body));
    market
        .ask("POST", &target, &[("Authorization", token)], body)
        .await
}

fn assert_denied(answer: &Answer, limit: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (403, "DENIED"));
    let text = answer.text();
    let way_out = match limit {
        "publisher_bytes_max" => "make room about 168 hours later, or at once",
        "publisher_tags_max" => "delete tags",
        _ => "a repository that is there",
    };
    for part in [limit, "`contoso`", "raise", way_out] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A manifest about one blob of the repository.
async fn tag(market: &Market, token: &str, name: &str, blob: &[u8]) -> Answer {
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(blob), "size": blob.len()},
        "layers": [],
    })
    .to_string();
    let pushed = (MANIFEST, manifest.as_bytes());
    market.push_manifest(INBOX, token, name, pushed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_bounded_and_told_before_they_travel() {
    let quota = Quota {
        bytes_max: 2 * BLOB_BYTES as u64,
        ..Quota::default()
    };
    on_both_within(quota, async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        for number in 0..2 {
            assert_eq!(
                push(&market, INBOX, &token, &bytes(number)).await.status,
                201
            );
        }
        let third = push(&market, INBOX, &token, &bytes(3)).await;
        assert_denied(&third, "publisher_bytes_max");
        let uploads = format!("/v2/{INBOX}/blobs/uploads/");
        let full = market.ask("POST", &uploads, &[auth], b"").await;
        assert_denied(&full, "publisher_bytes_max");
        // What is here takes no room, also in a second repository.
        assert_eq!(push(&market, INBOX, &token, &bytes(0)).await.status, 201);
        let second = "incoming/contoso/second";
        let other = market.pusher(second).await;
        assert_eq!(push(&market, second, &other, &bytes(0)).await.status, 201);
        let eve = "incoming/fabrikam/sensor";
        let scope = format!("repository:{eve}:pull,push");
        let theirs = market.token(EVE, &scope).await;
        assert_eq!(push(&market, eve, &theirs, &bytes(3)).await.status, 201);

        let gone = format!("/v2/{INBOX}/blobs/{}", digest(&bytes(1)));
        assert_eq!(market.ask("DELETE", &gone, &[auth], b"").await.status, 202);
        let opened = market.ask("POST", &uploads, &[auth], b"").await;
        let location = opened.header("location").to_owned();
        let half = &bytes(4)[..BLOB_BYTES / 2];
        let chunk = market.ask("PATCH", &location, &[auth], half).await;
        assert_eq!(chunk.status, 202, "{}", chunk.text());
        // An upload under way takes room as well.
        let chunk = market.ask("PATCH", &location, &[auth], &bytes(5)).await;
        assert_denied(&chunk, "publisher_bytes_max");
        assert_denied(
            &push(&market, INBOX, &token, &bytes(3)).await,
            "publisher_bytes_max",
        );
        let close = format!("{location}?digest={}", digest(half));
        assert_eq!(market.ask("PUT", &close, &[auth], b"").await.status, 201);
        let held = usage(&market.reader, "contoso").await.unwrap();
        assert_eq!((held.bytes, held.repositories), (75_000, 2));
    })
    .await;
}

/// Everything is counted when it was not for an hour, or when what is kept would be too much; not for each push.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_is_kept_and_what_comes_is_added() {
    let quota = Quota {
        bytes_max: 10 * BLOB_BYTES as u64,
        ..Quota::default()
    };
    on_both_within(quota, async |market: Market| {
        let token = market.pusher(INBOX).await;
        let kept = async || {
            let kept = store::registry::kept_usage(&market.reader, "contoso").await;
            kept.unwrap().unwrap()
        };
        let set = async |bytes: u64, counted_at: i64| {
            let tx = market.writer.begin().await.unwrap();
            let usage = Usage {
                bytes,
                ..Usage::default()
            };
            let kept = KeptUsage { usage, counted_at };
            keep_usage(&tx, "contoso", &kept).await.unwrap();
            tx.commit().await.unwrap();
        };
        let blob = BLOB_BYTES as u64;
        assert_eq!(push(&market, INBOX, &token, &bytes(0)).await.status, 201);
        let first = kept().await;
        assert_eq!((first.usage.bytes, first.usage.repositories), (blob, 1));
        // More than the truth: it was not counted, only added to.
        set(3 * blob, first.counted_at).await;
        assert_eq!(push(&market, INBOX, &token, &bytes(1)).await.status, 201);
        let second = kept().await;
        assert_eq!(second.usage.bytes, 4 * blob);
        assert_eq!(second.counted_at, first.counted_at);
        // In chunks: counted as they come, and not again at the close.
        let uploads = format!("/v2/{INBOX}/blobs/uploads/");
        let auth = ("Authorization", token.as_str());
        let opened = market.ask("POST", &uploads, &[auth], b"").await;
        let location = opened.header("location").to_owned();
        let sent = market.ask("PATCH", &location, &[auth], &bytes(2)).await;
        assert_eq!(sent.status, 202);
        let close = format!("{location}?digest={}", digest(&bytes(2)));
        assert_eq!(market.ask("PUT", &close, &[auth], b"").await.status, 201);
        assert_eq!(kept().await.usage.bytes, 5 * blob);
        // Too much: counted anew, and there is room.
        set(10 * blob, first.counted_at).await;
        assert_eq!(push(&market, INBOX, &token, &bytes(3)).await.status, 201);
        let third = kept().await;
        assert_eq!((third.usage.bytes, third.usage.repositories), (4 * blob, 1));
        assert!(third.counted_at > first.counted_at);
        // Long ago.
        set(0, 1).await;
        assert_eq!(push(&market, INBOX, &token, &bytes(4)).await.status, 201);
        assert_eq!(kept().await.usage.bytes, 5 * blob);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pushes_at_once_end_at_the_limit() {
    let quota = Quota {
        bytes_max: 5 * BLOB_BYTES as u64,
        ..Quota::default()
    };
    on_both_within(quota, async |market: Market| {
        let market = Arc::new(market);
        let token = Arc::new(market.pusher(INBOX).await);
        let mut pushes = tokio::task::JoinSet::new();
        for number in 0..24 {
            let (market, token) = (Arc::clone(&market), Arc::clone(&token));
            pushes.spawn(async move { push(&market, INBOX, &token, &bytes(number)).await });
        }
        let answers = pushes.join_all().await;
        let taken = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(taken, 5);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_denied(refused, "publisher_bytes_max");
        }
        let held = usage(&market.reader, "contoso").await.unwrap();
        assert_eq!(held.bytes, 5 * BLOB_BYTES as u64);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_and_tags_are_counted() {
    let quota = Quota {
        repositories_max: 2,
        tags_max: 3,
        ..Quota::default()
    };
    on_both_within(quota, async |market: Market| {
        let market = Arc::new(market);
        let token = Arc::new(market.pusher(INBOX).await);
        market.push_blob(INBOX, &token, b"{}").await;
        let mut tags = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (market, token) = (Arc::clone(&market), Arc::clone(&token));
            tags.spawn(async move { tag(&market, &token, &format!("t{number}"), b"{}").await });
        }
        let answers = tags.join_all().await;
        let set = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(set, 3);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_denied(refused, "publisher_tags_max");
        }
        let known = store::registry::tags(&market.reader, INBOX, None, 9)
            .await
            .unwrap();
        let again = tag(&market, &token, &known[0], b"{}").await;
        assert_eq!(again.status, 201, "a tag that is there is no new one");
        for (name, status) in [("second", 201), ("third", 403)] {
            let repository = format!("incoming/contoso/{name}");
            let token = market.pusher(&repository).await;
            let pushed = push(&market, &repository, &token, b"{}").await;
            assert_eq!(pushed.status, status, "{name}: {}", pushed.text());
            if status == 403 {
                assert_denied(&pushed, "publisher_repositories_max");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_push_and_delete_leaves_an_event() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let blob = market.push_blob(INBOX, &token, b"{}").await;
        let second = "incoming/contoso/second";
        let scope = format!("repository:{second}:pull,push");
        let mounter = market.token(crate::market::DEV, &scope).await;
        let mount = format!("/v2/{second}/blobs/uploads/?mount={blob}&from={INBOX}");
        let mounted = market
            .ask("POST", &mount, &[("Authorization", &mounter)], b"")
            .await;
        assert_eq!(mounted.status, 201);
        let tagged = tag(&market, &token, "x", b"{}").await;
        let manifest = tagged.header("docker-content-digest").to_owned();
        for gone in [
            "manifests/x",
            &format!("manifests/{manifest}"),
            &format!("blobs/{blob}"),
        ] {
            let target = format!("/v2/{INBOX}/{gone}");
            assert_eq!(
                market.ask("DELETE", &target, &[auth], b"").await.status,
                202,
                "{gone}"
            );
        }
        let kinds = async |repository: &str| {
            let events = store::events::of_subject(&market.reader, "repository", repository, 20);
            let mut kinds: Vec<String> =
                events.await.unwrap().into_iter().map(|e| e.kind).collect();
            kinds.sort();
            kinds
        };
        let expected = [
            "blob_deleted",
            "blob_pushed",
            "manifest_deleted",
            "manifest_pushed",
            "tag_deleted",
        ];
        assert_eq!(kinds(INBOX).await, expected);
        assert_eq!(kinds(second).await, ["blob_pushed"]);
    })
    .await;
}
