//! Imports from the publisher's own `incoming/…` keep to the bounds that hold for any other registry.

use app::settings::Settings;
use domain::lifecycle::State;
use domain::offer::Offer;
use oci::{Digest, Manifest};
use serde_json::json;
use store::registry::StoredManifest;
use store::{Store, registry};
use testkit::engines::for_each_engine;
use testkit::image::{ImageBuilder, TestImage, digest};

use crate::market::Market;

const FROM: &str = "incoming/contoso/own";
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
    for tag in ["1.0.0", "latest"] {
        registry::set_tag(&tx, FROM, tag, &top, 1).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn offer(market: &Market) -> Offer {
    let mut offer = market.draft("temperature-sensor").await;
    let image = &mut offer.plans[0].image;
    image.registry = String::new();
    image.repository = FROM.into();
    image.tags = vec!["1.0.0".into(), "latest".into()];
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
