//! What the pipeline refuses, each with the reason a publisher can act on, and nothing half-written left behind.

use app::offers::{Verdict, review_submission, waive_rule};
use domain::lifecycle::State;
use domain::offer::Offer;
use store::Store;
use store::registry::blocked_digests::BlockedDigest;
use testkit::engines::for_each_engine;
use testkit::hostile::{self, Trick};
use testkit::http::{Response, Server};
use testkit::image::{ImageBuilder, TestImage};

use crate::market::{Market, failures};

/// The temperature sensor's draft with its image replaced by a single tagged test image.
async fn with_image(market: &Market, repository: &str, image: &TestImage) -> Offer {
    let mut offer = market.draft("temperature-sensor").await;
    let top = image.top().digest.clone();
    let tags = vec![
        ("latest".to_owned(), top.clone()),
        ("1.0.0".to_owned(), top),
    ];
    market.push(repository, &tags, image).await;
    let plan = &mut offer.plans[0];
    repository.clone_into(&mut plan.image.repository);
    plan.image.tags = vec!["latest".into(), "1.0.0".into()];
    market.save(&offer).await;
    offer
}

/// The temperature sensor with its image at another registry, submitted.
async fn submit_from(market: &Market, upstream: &Server, repository: &str) -> String {
    let offer = market.draft_from(upstream.host(), repository).await;
    market.submit(&offer.key()).await
}

async fn privileged(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.plans[0].defaults.create_options = r#"{"HostConfig":{"Privileged":true}}"#.into();
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    let stopped = market.wait(&id, &[State::InReview]).await;
    let places = failures(&stopped);
    assert!(places.contains_key("DEF-05"), "{places:#?}");

    let approve = Verdict::Approve {
        comment: String::new(),
    };
    let refused = review_submission(&market.app, &market.reviewer, &id, approve.clone()).await;
    assert!(
        refused
            .expect_err("it blocks")
            .to_string()
            .contains("DEF-05"),
        "a block is not approved away"
    );
    let report: certify::Report = serde_json::from_value(stopped.report.unwrap()).unwrap();
    let rule = report.results.iter().find(|r| r.code == "DEF-05").unwrap();
    let waived: Vec<String> = rule.failures().map(|f| f.place.clone()).collect();
    for place in &waived {
        waive_rule(
            &market.app,
            &market.reviewer,
            &id,
            "DEF-05",
            place,
            "It drives the GPIO pins of the gateway itself.",
        )
        .await
        .unwrap();
    }
    let judged = async {
        loop {
            let verdict =
                review_submission(&market.app, &market.reviewer, &id, approve.clone()).await;
            if verdict.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), judged)
        .await
        .expect("the waiver did not count");
    let preview = market.wait(&id, &[State::Preview]).await;
    assert!(
        preview.preview_expires_at.is_some(),
        "a preview ends by itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_privileged_container_needs_a_waiver() {
    for_each_engine(privileged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_cites_rules() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.plans[0].defaults.create_options = r#"{"HostConfig":{"Privileged":true}}"#.into();
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    market.wait(&id, &[State::InReview]).await;
    for rules in [vec![], vec!["XYZ-99".to_owned()]] {
        let verdict = Verdict::Reject {
            rules,
            comment: "No.".into(),
        };
        assert!(
            review_submission(&market.app, &market.reviewer, &id, verdict)
                .await
                .is_err()
        );
    }
    let own = review_submission(
        &market.app,
        &market.owner,
        &id,
        Verdict::Approve {
            comment: String::new(),
        },
    )
    .await;
    assert!(own.is_err(), "a publisher does not review");
    let verdict = Verdict::Reject {
        rules: vec!["DEF-05".into()],
        comment: "Ask for the one device instead.".into(),
    };
    review_submission(&market.app, &market.reviewer, &id, verdict)
        .await
        .unwrap();
    let rejected = market.wait(&id, &[State::Rejected]).await;
    assert!(rejected.failure.unwrap().contains("DEF-05"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_lie_is_rejected() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let image = ImageBuilder::new()
        .platform("linux/amd64")
        .platform("linux/arm/v7")
        .lie("linux/arm64", "linux/amd64")
        .build();
    let offer = with_image(&market, "contoso/liar", &image).await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let found = failures(&rejected);
    assert!(found.contains_key("IMG-19"), "{found:#?}");
    let public = store::registry::public_repositories_of(&market.app.reader, &rejected.key);
    let public = public.await.unwrap();
    assert!(public.is_empty(), "nothing of it became public");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_images_for_one_platform_are_rejected() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let image = ImageBuilder::all_platforms()
        .platform("linux/arm64/v8")
        .build();
    let offer = with_image(&market, "contoso/twins", &image).await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let found = failures(&rejected);
    let told = found.get("IMG-27").expect("the rule that says so");
    assert!(told[0].contains("linux/arm64 has 2 images"), "{told:#?}");
}

/// Neither copied nor asked for: the address would be a way to make the marketplace call whom the publisher likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_layer_is_rejected_and_its_address_never_contacted() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let elsewhere = Server::start(|_| Response::new(200, "bytes"))
        .await
        .unwrap();
    let image = ImageBuilder::all_platforms()
        .foreign_layer(&elsewhere.url("/layer"))
        .build();
    let upstream = hostile::serve(&image, "contoso/foreign", "latest,1.0.0", Trick::None)
        .await
        .unwrap();
    let market = Market::open_to(store, &[upstream.host(), elsewhere.host()]).await;
    let id = submit_from(&market, &upstream, "contoso/foreign").await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let found = failures(&rejected);
    assert!(found.contains_key("IMG-26"), "{found:#?}");
    assert!(
        elsewhere.requests().is_empty(),
        "{:?}",
        elsewhere.requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_a_missing_blob_is_rejected() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let image = ImageBuilder::all_platforms().noise(200_000).build();
    let offer = with_image(&market, "contoso/holes", &image).await;
    let (digest, _) = image.largest_blob();
    market
        .upstream
        .delete_blob("contoso/holes", digest)
        .await
        .unwrap();
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains(digest.as_str()), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_repository_is_rejected_by_name() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let offer = market.draft("temperature-sensor").await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains("contoso/temperature-sensor"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_tag_moved_upstream_is_rejected() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let offer = market.draft("temperature-sensor").await;
    let live = market.publish(&offer.key()).await;
    let version =
        domain::tag::newest(offer.plans[0].image.tags.iter().map(String::as_str)).unwrap();
    let other = ImageBuilder::all_platforms().noise(1_000).build();
    let tags = vec![(version.to_string(), other.top().digest.clone())];
    market
        .push("contoso/temperature-sensor", &tags, &other)
        .await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let found = failures(&rejected);
    assert!(found.contains_key("IMG-03"), "{found:#?}");
    market.wait(&live.id, &[State::Live]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_our_own_network_is_rejected() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.plans[0].image.registry = "169.254.169.254".into();
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains("169.254.169.254"), "{why}");
}

/// What a hostile registry does, and what the publisher is told.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_registries_are_rejected_and_nothing_is_kept() {
    let image = ImageBuilder::all_platforms().noise(200_000).build();
    let inwards = "http://169.254.169.254/latest/meta-data/".to_owned();
    for (trick, says) in [
        (Trick::BlobRedirect(inwards), "169.254.169.254"),
        (Trick::BlobEndless, "bytes"),
        (Trick::BlobLonger, "bytes"),
        (Trick::BlobWrong, "altered or incomplete"),
        (Trick::ManifestWrong, "should be sha256:"),
        (Trick::ManifestEndless, "limit of"),
        (Trick::WebPage, "manifest"),
    ] {
        let (store, _folder) = testkit::engines::sqlite().await;
        let upstream = hostile::serve(&image, "contoso/hostile", "latest,1.0.0", trick.clone())
            .await
            .unwrap();
        let market = Market::open_to(store, &[upstream.host()]).await;
        let id = submit_from(&market, &upstream, "contoso/hostile").await;
        let rejected = market.wait(&id, &[State::Rejected]).await;
        let why = rejected.failure.unwrap();
        assert!(why.contains(says), "{trick:?}: {why}");
        for (digest, bytes) in &image.blobs {
            let held = market.app.blobs.size(&digest.parse().unwrap()).await;
            let held = held.unwrap();
            assert!(
                held.is_none_or(|held| held == bytes.len() as u64),
                "{trick:?}: half a blob is here"
            );
        }
        let stale = store::registry::uploads::stale(&market.app.reader, i64::MAX).await;
        assert!(stale.unwrap().is_empty(), "{trick:?}: parts are left");
        let public = store::registry::public_repositories_of(&market.app.reader, &rejected.key);
        let public = public.await.unwrap();
        assert!(public.is_empty(), "{trick:?}");
    }
}

/// Knowing a digest is not owning it: the bytes are here, but in another publisher's private repository.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_digest_of_another_publisher_is_not_reused() {
    for_each_engine(private_digest).await;
}

async fn private_digest(store: Store) {
    let market = Market::open(store).await;
    let image = ImageBuilder::all_platforms().noise(200_000).build();
    let offer = with_image(&market, "contoso/thief", &image).await;
    let (digest, bytes) = image.largest_blob();
    let name: oci::Digest = digest.parse().unwrap();
    let size = bytes.len() as u64;
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.clone().into())]);
    market
        .app
        .blobs
        .put_verified(&name, body, size)
        .await
        .unwrap();
    let tx = market.store.writer.begin().await.unwrap();
    let theirs = "incoming/fabrikam/secret";
    store::registry::link_blob(&tx, theirs, &name, bytes.len() as i64, false, 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    market
        .upstream
        .delete_blob("contoso/thief", digest)
        .await
        .unwrap();
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains(digest.as_str()), "{why}");
    let repo = offer.key().repository(&offer.plans[0].plan);
    let linked = store::registry::has_blob(&market.app.reader, &repo, &name)
        .await
        .unwrap();
    assert!(linked.is_none(), "the secret layer is in {repo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_down_is_not_imported_again() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let market = Market::open(store).await;
    let image = ImageBuilder::all_platforms().build();
    let offer = with_image(&market, "contoso/blocked", &image).await;
    let (digest, _) = image.largest_blob();
    let tx = market.store.writer.begin().await.unwrap();
    let blocked = BlockedDigest {
        digest: digest.parse().unwrap(),
        reason: "malware".into(),
        at: 1,
    };
    store::registry::blocked_digests::block(&tx, &blocked)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(
        why.contains(digest.as_str()) && why.contains("malware"),
        "{why}"
    );
}
