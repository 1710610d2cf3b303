//! Who may do what, over the wire: every route of the registry × every role, and what each of them sees.

use app::clock::{HOUR, secret_hash};
use serde_json::json;
use store::registry::blocked_digests::{BlockedDigest, block};
use testkit::image::{ImageBuilder, TestImage, digest};

use crate::market::{
    DEV, EVE, GUEST, INBOX, LIVE, Market, PASSWORD, basic, on_both, on_both_with, small, strict,
};
use crate::search::list_an_offer;

const HIDDEN: &str = "contoso/sensor/hidden";

fn image(file: &str) -> TestImage {
    ImageBuilder::all_platforms()
        .file(file, file, 0o644)
        .build()
}

/// The people of the table, by name and `Authorization`.
async fn people(market: &Market) -> Vec<(&'static str, Option<String>)> {
    let anonymous = market.get("/token").await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    vec![
        ("nobody", None),
        ("anonymous token", Some(format!("Bearer {anonymous}"))),
        ("guest", Some(basic(GUEST, PASSWORD))),
        ("other publisher", Some(basic(EVE, PASSWORD))),
        ("member", Some(basic(DEV, PASSWORD))),
    ]
}

/// Method, address, body and what each of the people is answered.
type Row = (&'static str, String, &'static [u8], [u16; 5]);

fn rows(live: &TestImage, inbox: &TestImage) -> Vec<Row> {
    let (top, blob) = (&live.top().digest, &live.blobs[0].0);
    let (own, own_blob) = (&inbox.top().digest, &inbox.blobs[0].0);
    let none = digest(b"nobody has this");
    let reads_live = [
        ("GET", format!("/v2/{LIVE}/manifests/latest")),
        ("HEAD", format!("/v2/{LIVE}/manifests/{top}")),
        ("GET", format!("/v2/{LIVE}/blobs/{blob}")),
        ("HEAD", format!("/v2/{LIVE}/blobs/{blob}")),
        ("GET", format!("/v2/{LIVE}/tags/list")),
        ("GET", format!("/v2/{LIVE}/referrers/{top}")),
        ("GET", "/v2/_catalog".to_owned()),
        ("GET", "/v1/_ping".to_owned()),
        ("GET", "/v1/search?q=x".to_owned()),
        ("GET", "/token".to_owned()),
    ];
    let mut rows: Vec<Row> = reads_live
        .into_iter()
        .map(|(method, target)| (method, target, b"".as_slice(), [200; 5]))
        .collect();
    let own_reads = [
        ("GET", format!("/v2/{INBOX}/manifests/1.0.0")),
        ("HEAD", format!("/v2/{INBOX}/manifests/{own}")),
        ("GET", format!("/v2/{INBOX}/blobs/{own_blob}")),
        ("HEAD", format!("/v2/{INBOX}/blobs/{own_blob}")),
        ("GET", format!("/v2/{INBOX}/tags/list")),
    ];
    rows.extend(
        own_reads
            .into_iter()
            .map(|(method, target)| (method, target, b"".as_slice(), [401, 404, 404, 404, 200])),
    );
    let absent = [
        ("GET", format!("/v2/{INBOX}/manifests/none")),
        ("GET", format!("/v2/{INBOX}/blobs/{none}")),
        ("GET", format!("/v2/{LIVE}/manifests/{none}")),
        ("GET", format!("/v2/{LIVE}/blobs/{none}")),
        ("GET", "/v2/no/such/repository/tags/list".to_owned()),
        ("GET", "/v2/alpine/manifests/latest".to_owned()),
    ];
    rows.extend(
        absent
            .into_iter()
            .map(|(method, target)| (method, target, b"".as_slice(), [401, 404, 404, 404, 404])),
    );
    rows.push(("GET", format!("/v2/{LIVE}/manifests/none"), b"", [404; 5]));
    rows.push(("GET", "/v2/".to_owned(), b"", [401, 200, 200, 200, 200]));
    let digest_of_x = digest(b"x");
    rows.push((
        "POST",
        format!("/v2/{INBOX}/blobs/uploads/?digest={digest_of_x}"),
        b"x",
        [401, 401, 403, 403, 201],
    ));
    rows.push((
        "POST",
        format!("/v2/{INBOX}/blobs/uploads/"),
        b"",
        [401, 401, 403, 403, 202],
    ));
    for (method, body) in [("GET", b"".as_slice()), ("PATCH", b"x"), ("DELETE", b"")] {
        rows.push((
            method,
            format!("/v2/{INBOX}/blobs/uploads/no-such-upload"),
            body,
            [401, 401, 403, 403, 404],
        ));
    }
    rows.push((
        "PUT",
        format!("/v2/{INBOX}/blobs/uploads/no?digest={digest_of_x}"),
        b"x",
        [401, 401, 403, 403, 404],
    ));
    rows.push((
        "PUT",
        format!("/v2/{INBOX}/manifests/x"),
        b"{}",
        [401, 401, 403, 403, 400],
    ));
    rows.push((
        "DELETE",
        format!("/v2/{INBOX}/manifests/none"),
        b"",
        [401, 401, 403, 403, 404],
    ));
    rows.push((
        "DELETE",
        format!("/v2/{INBOX}/blobs/{none}"),
        b"",
        [401, 401, 403, 403, 404],
    ));
    // Released images are written by go-live alone, whoever asks; names elsewhere are nobody's.
    for name in [LIVE, "alpine", "incoming/contoso"] {
        rows.push((
            "POST",
            format!("/v2/{name}/blobs/uploads/"),
            b"",
            [401, 403, 403, 403, 403],
        ));
        rows.push((
            "PUT",
            format!("/v2/{name}/manifests/latest"),
            b"{}",
            [401, 403, 403, 403, 403],
        ));
        rows.push((
            "DELETE",
            format!("/v2/{name}/manifests/latest"),
            b"",
            [401, 403, 403, 403, 403],
        ));
        rows.push((
            "DELETE",
            format!("/v2/{name}/blobs/{blob}"),
            b"",
            [401, 403, 403, 403, 403],
        ));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_for_everyone() {
    let market = small().await;
    let (live, inbox) = (image("live"), image("inbox"));
    market.release(LIVE, "latest", &live, true).await;
    market.push_image(INBOX, "1.0.0", &inbox).await;
    let people = people(&market).await;
    let mut wrong = Vec::new();
    for (method, target, body, expected) in rows(&live, &inbox) {
        for ((who, authorization), status) in people.iter().zip(expected) {
            let headers: Vec<(&str, &str)> = authorization
                .iter()
                .map(|value| ("Authorization", value.as_str()))
                .collect();
            let answer = market.ask(method, &target, &headers, body).await;
            if answer.status != status {
                wrong.push(format!(
                    "{method} {target} by {who}: {} instead of {status}",
                    answer.status
                ));
            }
            assert_eq!(
                answer.header("x-content-type-options"),
                "nosniff",
                "{method} {target}"
            );
            assert_eq!(
                answer.header("content-security-policy"),
                "default-src 'none'; sandbox",
                "{method} {target}"
            );
            assert_eq!(
                answer.header("docker-distribution-api-version"),
                "registry/2.0",
                "{method} {target}"
            );
            if answer.status >= 400 && method != "HEAD" {
                answer.code();
            }
            if answer.status == 401 {
                assert!(
                    answer
                        .header("www-authenticate")
                        .starts_with("Bearer realm=\"http"),
                    "{method} {target}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_opens_with_its_token_and_is_otherwise_not_there() {
    on_both(async |market: Market| {
        let (live, preview, hidden) = (image("live"), image("preview"), image("hidden"));
        market.release(LIVE, "latest", &live, true).await;
        market.release(LIVE, "", &preview, false).await;
        market.release(HIDDEN, "", &hidden, false).await;
        let secret = "emp_this-is-a-secret-of-the-test";
        pull_token(&market, secret, LIVE).await;
        let next = &preview.top().digest;
        let layer = &preview.largest_blob().0;
        let pull = market
            .ask(
                "GET",
                &format!("/token?scope=repository:{LIVE}:pull"),
                &[("Authorization", &basic("preview", secret))],
                b"",
            )
            .await;
        assert_eq!(pull.status, 200, "{}", pull.text());
        let jwt = format!("Bearer {}", pull.json()["token"].as_str().unwrap());
        let holders = [
            basic("preview", secret),
            format!("Bearer {secret}"),
            jwt,
            basic(DEV, PASSWORD),
        ];
        for (kind, name) in [("manifests", next), ("blobs", layer)] {
            let target = format!("/v2/{LIVE}/{kind}/{name}");
            for holder in &holders {
                let answer = market
                    .ask("GET", &target, &[("Authorization", holder)], b"")
                    .await;
                assert_eq!(
                    (answer.status, answer.header("cache-control")),
                    (200, "private, no-cache"),
                    "{target} {holder:.12}"
                );
            }
            // Everyone else gets, word for word, what they get for content that never was.
            let absent = format!("/v2/{LIVE}/{kind}/{}", digest(b"never was"));
            for (who, authorization) in people(&market).await.iter().take(4) {
                let headers: Vec<(&str, &str)> = authorization
                    .iter()
                    .map(|value| ("Authorization", value.as_str()))
                    .collect();
                let (one, other) = (
                    market.ask("GET", &target, &headers, b"").await,
                    market.ask("GET", &absent, &headers, b"").await,
                );
                assert_eq!(
                    one.status,
                    if authorization.is_none() { 401 } else { 404 },
                    "{who}"
                );
                assert_eq!(one.status, other.status, "{who}");
                assert_eq!(one.code(), other.code(), "{who}");
                assert_eq!(
                    one.text().replace(name.as_str(), ""),
                    other.text().replace(&digest(b"never was"), ""),
                    "{who}"
                );
            }
        }
        // The token opens this one repository and no other.
        let elsewhere = format!("/v2/{HIDDEN}/manifests/{}", hidden.top().digest);
        assert_eq!(
            market
                .ask("GET", &elsewhere, &[("Authorization", &holders[0])], b"")
                .await
                .status,
            404
        );
        let tags = market
            .ask(
                "GET",
                &format!("/v2/{HIDDEN}/tags/list"),
                &[("Authorization", &holders[0])],
                b"",
            )
            .await;
        assert_eq!(tags.status, 404);
        let push = market
            .ask(
                "POST",
                &format!("/v2/{INBOX}/blobs/uploads/"),
                &[("Authorization", &holders[0])],
                b"",
            )
            .await;
        assert_eq!(push.status, 401);
        // Revoked, it opens nothing.
        let tx = market.writer.begin().await.unwrap();
        store::registry::pull_tokens::revoke_of_submission(&tx, "s1", 1)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        // So does what was exchanged for it, at once.
        for holder in &holders[..3] {
            let late = market
                .ask(
                    "GET",
                    &format!("/v2/{LIVE}/manifests/{next}"),
                    &[("Authorization", holder)],
                    b"",
                )
                .await;
            assert_eq!(late.status, 401, "{holder:.12}");
        }
    })
    .await;
}

async fn pull_token(market: &Market, secret: &str, repository: &str) {
    let key = "contoso.sensor".parse().unwrap();
    let now = market.app.clock.now();
    let tx = market.writer.begin().await.unwrap();
    let offer = store::offers::OfferRow {
        draft: domain::offer::Offer::empty(&key),
        key: key.clone(),
        revision: 1,
        state: domain::lifecycle::OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: now,
        updated_at: now,
    };
    store::offers::insert(&tx, &offer).await.unwrap();
    let submission = store::submissions::Submission {
        id: "s1".into(),
        number: 1,
        state: domain::lifecycle::State::Submitted,
        frozen: domain::offer::Offer::empty(&key),
        key,
        notes: String::new(),
        created_by: market.actor(DEV).await.label().to_owned(),
        created_at: now,
        updated_at: now,
        report: None,
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
    };
    store::submissions::insert(&tx, &submission).await.unwrap();
    let token = store::registry::pull_tokens::PullToken {
        id: "p1".into(),
        token_hash: secret_hash(secret),
        repo: repository.into(),
        submission: "s1".into(),
        expires_at: now + HOUR,
        revoked_at: None,
        account_id: None,
    };
    store::registry::pull_tokens::insert(&tx, &token)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_publishers_digests_are_unknown() {
    on_both_with(strict(), async |market: Market| {
        let image = ImageBuilder::all_platforms().single().build();
        market.push_image(INBOX, "1.0.0", &image).await;
        let eve = basic(EVE, PASSWORD);
        let top = image.top();
        let headers = [("Authorization", eve.as_str()), ("Content-Type", top.media_type.as_str())];
        let answer = market.ask("PUT", "/v2/incoming/fabrikam/copy/manifests/1.0.0", &headers, &top.bytes).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"), "{}", answer.text());
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": top.media_type, "digest": top.digest, "size": top.bytes.len()}],
        });
        let headers = [("Authorization", eve.as_str()), ("Content-Type", "application/vnd.oci.image.index.v1+json")];
        let target = "/v2/incoming/fabrikam/copy/manifests/1.0.0";
        let answer = market.ask("PUT", target, &headers, index.to_string().as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"), "{}", answer.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_shows_what_the_caller_may_see() {
    on_both(async |market: Market| {
        market.release(LIVE, "latest", &image("live"), true).await;
        market.release(HIDDEN, "", &image("hidden"), false).await;
        market.push_image(INBOX, "1.0.0", &image("inbox")).await;
        list_an_offer(&market).await;
        let names = async |authorization: Option<&str>, query: &str| {
            let headers: Vec<(&str, &str)> = authorization
                .iter()
                .map(|value| ("Authorization", *value))
                .collect();
            let answer = market
                .ask("GET", &format!("/v2/_catalog{query}"), &headers, b"")
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()["repositories"].clone()
        };
        assert_eq!(names(None, "").await, json!([LIVE]));
        assert_eq!(names(Some(&basic(EVE, PASSWORD)), "").await, json!([LIVE]));
        let dev = basic(DEV, PASSWORD);
        assert_eq!(names(Some(&dev), "").await, json!([HIDDEN, LIVE, INBOX]));
        assert_eq!(
            names(Some(&market.token(DEV, "registry:catalog:*").await), "").await,
            json!([HIDDEN, LIVE, INBOX])
        );
        assert_eq!(names(Some(&dev), "?n=1").await, json!([HIDDEN]));
        assert_eq!(
            names(Some(&dev), &format!("?n=5&last={HIDDEN}")).await,
            json!([LIVE, INBOX])
        );
        assert_eq!(names(Some(&dev), "?n=0").await, json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_content_is_cached_and_follows_go_live_and_takedown() {
    on_both(async |market: Market| {
        let (first, second) = (image("first"), image("second"));
        market.release(LIVE, "latest", &first, true).await;
        let by_tag = format!("/v2/{LIVE}/manifests/latest");
        let answer = market.get(&by_tag).await;
        assert_eq!(
            (
                answer.body == first.top().bytes,
                answer.header("cache-control")
            ),
            (true, "no-cache")
        );
        let by_digest = format!("/v2/{LIVE}/manifests/{}", first.top().digest);
        let immutable = "public, max-age=31536000, immutable";
        assert_eq!(
            market.get(&by_digest).await.header("cache-control"),
            immutable
        );
        let blob = format!("/v2/{LIVE}/blobs/{}", first.blobs[0].0);
        assert_eq!(market.get(&blob).await.header("cache-control"), immutable);
        market.release(LIVE, "latest", &second, true).await;
        until(async || market.get(&by_tag).await.body == second.top().bytes).await;
        assert_eq!(
            market.get(&by_digest).await.status,
            200,
            "the older release stays"
        );
        let tx = market.writer.begin().await.unwrap();
        for text in [&first.top().digest, &first.blobs[0].0] {
            let blocked = BlockedDigest {
                digest: text.parse().unwrap(),
                reason: "malware was found".into(),
                at: 1,
            };
            block(&tx, &blocked).await.unwrap();
        }
        store::catalog_version::bump(&tx).await.unwrap();
        tx.commit().await.unwrap();
        until(async || market.get(&by_digest).await.status == 403).await;
        for target in [&by_digest, &blob] {
            let answer = market.get(target).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "DENIED"));
            assert!(answer.text().contains("malware was found"));
        }
        // And nobody brings it back by pushing it again.
        let dev = basic(DEV, PASSWORD);
        let again = format!("/v2/{INBOX}/blobs/uploads/?digest={}", first.blobs[0].0);
        let answer = market
            .ask(
                "POST",
                &again,
                &[("Authorization", &dev)],
                &first.blobs[0].1,
            )
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "DENIED"));
    })
    .await;
}

/// Asks until it is so; a second is what replicas are allowed, ten is what a busy machine may need.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so().await {
        assert!(
            begun.elapsed().as_secs() < 10,
            "it did not become so within ten seconds"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Moving several tags at once asks for no less than moving each: released ones stay where they are, for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn several_tags_at_once_are_no_way_around() {
    on_both(async |market: Market| {
        let image = ImageBuilder::all_platforms().single().build();
        market.release(LIVE, "1.0.0", &image, true).await;
        let other = ImageBuilder::all_platforms().single().noise(1_000).build();
        market.push_image(INBOX, "other", &other).await;
        let top = other.top();
        let (kind, bytes) = (top.media_type.as_str(), top.bytes.as_slice());
        let name = format!("{}?tag=1.0.0&tag=latest&tag=new", top.digest);
        for (repository, token, status) in [
            (LIVE, market.pusher(LIVE).await, 403),
            (
                INBOX,
                market
                    .token(EVE, &format!("repository:{INBOX}:pull,push"))
                    .await,
                403,
            ),
            (INBOX, market.pusher(INBOX).await, 201),
        ] {
            let answer = market
                .push_manifest(repository, &token, &name, (kind, bytes))
                .await;
            assert_eq!(answer.status, status, "{repository}: {}", answer.text());
        }
        let live = market.get(&format!("/v2/{LIVE}/manifests/1.0.0")).await;
        assert!(live.body == image.top().bytes);
        assert_eq!(
            market
                .get(&format!("/v2/{LIVE}/manifests/new"))
                .await
                .status,
            404
        );
    })
    .await;
}
