//! Imports from the publisher's own `incoming/…` keep to the bounds that hold for any other registry, and what was
//! pushed there goes with a takedown of what was made of it.

use app::admin::take_down;
use app::settings::Settings;
use domain::lifecycle::State;
use domain::offer::Offer;
use oci::{Digest, Manifest};
use serde_json::json;
use store::registry::StoredManifest;
use store::{Store, registry};
use testkit::engines::for_each_engine;
use testkit::image::{ImageBuilder, TestImage, digest};

use crate::market::{Market, test_image};
use crate::takedown::{at_once, wait_until_gone, wait_until_purged, whole};

const SENSOR: &str = "contoso/temperature-sensor";

const FROM: &str = "incoming/contoso/own";
const TAGS: [&str; 2] = ["1.2.0", "latest"];
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Puts an image where its publisher's pushes are.
async fn pushed(market: &Market, image: &TestImage) {
    let tx = market.store.writer.begin().await.unwrap();
    for (name, bytes) in &image.blobs {
        let name: Digest = name.parse().unwrap();
        let size = bytes.len() as u64;
        let body = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.clone().into())]);
        let put = market.store.blobs.put_verified(&name, body, size).await;
        put.unwrap();
        registry::link_blob(&tx, FROM, &name, size as i64, false, 1)
            .await
            .unwrap();
    }
    for made in &image.manifests {
        let manifest = Manifest::parse(Some(&made.media_type), &made.bytes).unwrap();
        let stored = StoredManifest {
            digest: manifest.digest.clone(),
            media_type: made.media_type.clone(),
            bytes: made.bytes.clone(),
            subject: manifest.subject().map(|subject| subject.digest.clone()),
            artifact_type: None,
        };
        registry::put_manifest(&tx, &stored).await.unwrap();
        registry::link_manifest(&tx, FROM, &manifest.digest, false, 1)
            .await
            .unwrap();
    }
    let top: Digest = image.top().digest.parse().unwrap();
    for tag in TAGS {
        registry::set_tag(&tx, FROM, tag, &top, 1).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn offer(market: &Market) -> Offer {
    let mut offer = market.draft("temperature-sensor").await;
    let image = &mut offer.plans[0].image;
    image.registry = String::new();
    image.repository = FROM.into();
    image.tags = TAGS.map(str::to_owned).to_vec();
    market.save(&offer).await;
    offer
}

/// Something of four megabytes that is about `subject`.
fn attached(subject: &str, number: usize) -> testkit::image::TestManifest {
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
        "annotations": {"org.example.text": format!("{number}{}", "x".repeat(4_000_000))},
    });
    let bytes = document.to_string().into_bytes();
    testkit::image::TestManifest {
        digest: digest(&bytes),
        media_type: MANIFEST.into(),
        bytes,
    }
}

async fn much_attached(store: Store) {
    let market = Market::open(store).await;
    let mut image = ImageBuilder::all_platforms().build();
    let top = image.top().digest.clone();
    image.blobs.push((digest(b"{}"), b"{}".to_vec()));
    let more = (0..10).map(|number| attached(&top, number));
    image.manifests = more.chain(image.manifests).collect();
    pushed(&market, &image).await;
    let id = market.submit(&offer(&market).await.key()).await;
    let ended = [State::Preview, State::InReview, State::Rejected];
    let done = market.wait(&id, &ended).await;
    let brought = done.imported["standard"]["attached"].as_array().unwrap();
    assert_eq!(brought.len(), 8, "32 MiB and no more: {:?}", done.failure);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_attached_than_the_memory_is_for() {
    for_each_engine(much_attached).await;
}

async fn too_large(store: Store) {
    let small = |settings: &mut Settings| settings.limits.image_bytes_max = 100_000;
    let market = Market::open_with(store, &[], small).await;
    let image = ImageBuilder::all_platforms().noise(200_000).build();
    pushed(&market, &image).await;
    let id = market.submit(&offer(&market).await.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains("100000 are allowed"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_too_large_is_refused() {
    for_each_engine(too_large).await;
}

fn sensor() -> TestImage {
    let mut seeds = samples::images().unwrap().into_iter();
    let seed = seeds.find(|seed| (seed.repository, seed.version) == (SENSOR, "1.2.0"));
    test_image(seed.unwrap().image)
}

fn layers(image: &TestImage) -> Vec<Digest> {
    let names = image.blobs.iter().map(|(name, _)| name.parse());
    names.map(Result::unwrap).collect()
}

/// What was published from the publisher's own pushes: a takedown's bytes go although the pushes are still listed there.
async fn purged(store: Store) {
    let market = Market::open(store).await;
    let (app, operator) = (&market.app, &market.operator);
    let image = sensor();
    pushed(&market, &image).await;
    let offer = offer(&market).await;
    let key = offer.key();
    market.publish(&key).await;
    let blobs = layers(&image);
    // Somebody else pushed the same layer by themselves.
    let tx = market.store.writer.begin().await.unwrap();
    let theirs = "incoming/fabrikam/sensor";
    registry::link_blob(&tx, theirs, &blobs[0], 1, false, 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let soon = market.replica(at_once).await;
    let id = take_down(&soon, operator, whole(&key)).await.unwrap();
    wait_until_purged(app, &id).await;
    wait_until_gone(app, &blobs[1..]).await;
    assert!(app.blobs.size(&blobs[0]).await.unwrap().is_some());
    for blob in &blobs {
        let held = registry::has_blob(&app.reader, FROM, blob).await.unwrap();
        assert_eq!(held, None, "{blob}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_takedown_leave_what_the_publisher_pushed() {
    for_each_engine(purged).await;
}

/// While an import may be reading what was pushed, that stays; a purge ends when the import has.
async fn purged_after_the_import(store: Store) {
    let mut market = Market::open(store).await;
    let operator = market.operator.clone();
    let image = sensor();
    pushed(&market, &image).await;
    let offer = offer(&market).await;
    market.publish(&offer.key()).await;
    let blobs = layers(&image);
    let soon = market.replica(at_once).await;
    market.pause().await;
    let id = take_down(&soon, &operator, whole(&offer.key())).await;
    let id = id.unwrap();
    // Of another offer, which nobody has begun to import.
    let other = market.draft("heartbeat").await.key();
    let waiting = market.submit(&other).await;
    let tx = market.store.writer.begin().await.unwrap();
    let (from, to) = (State::Submitted, State::Importing);
    let now = market.app.clock.now();
    store::submissions::set_state(&tx, &waiting, from, to, now)
        .await
        .unwrap();
    let jobs = store::jobs::in_state(&tx, store::jobs::JobState::Queued, 9).await;
    let import = jobs.unwrap().into_iter().find(|job| job.kind == "import");
    tx.commit().await.unwrap();
    // Somebody else has the import.
    let claimed = store::jobs::claim(
        &market.store.writer,
        "other",
        now,
        3_600_000_000,
        store::jobs::Choice {
            without: &["purge"],
            ..store::jobs::Choice::default()
        },
    );
    assert_eq!(claimed.await.unwrap().unwrap().id, import.unwrap().id);
    market.restart().await;
    let app = &market.app;
    wait_until_purged(app, &id).await;
    let held = registry::has_blob(&app.reader, FROM, &blobs[0]).await;
    assert!(held.unwrap().is_some(), "an import may need it");
    assert!(app.blobs.size(&blobs[0]).await.unwrap().is_some());
    app::offers::cancel_submission(app, &market.owner, &waiting)
        .await
        .unwrap();
    wait_until_gone(app, &blobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_imported_goes_after_that() {
    for_each_engine(purged_after_the_import).await;
}

async fn over_quota(store: Store) {
    let few = |settings: &mut Settings| settings.limits.quota.bytes_max = 1_000;
    let market = Market::open_with(store, &[], few).await;
    let image = sensor();
    pushed(&market, &image).await;
    let held = registry::usage(&market.app.reader, "contoso").await;
    assert!(
        held.unwrap().bytes > 1_000,
        "it was pushed under another limit"
    );
    let id = market.submit(&offer(&market).await.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains("publisher_bytes_max"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_linked_counts_as_well() {
    for_each_engine(over_quota).await;
}
