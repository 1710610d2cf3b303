//! Signatures, bills of materials and attestations come along with the image: found by the fallback tag and under cosign's
//! tags, public with it, listed as referrers, and gone with it when it is taken down. And what was imported can be fetched
//! again when the storage lost it.

use app::App;
use app::admin::{TakeDown, take_down};
use app::registry::{
    Caller, Mend, ReferrersQuery, Refusal, find_blob, find_manifest, referrers, scrub,
};
use domain::offer::Offer;
use oci::{Digest, RepositoryName};
use serde_json::{Value, json};
use store::Store;
use testkit::engines::for_each_engine;
use testkit::image::{TestImage, TestManifest, digest};

use crate::market::Market;

const REPOSITORY: &str = "contoso/temperature-sensor";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SBOM: &str = "application/spdx+json";
const SIGNATURE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn made(media_type: &str, document: &Value) -> TestManifest {
    let bytes = document.to_string().into_bytes();
    TestManifest {
        digest: digest(&bytes),
        media_type: media_type.into(),
        bytes,
    }
}

/// An artifact of one small blob, about `subject` if it says so.
fn artifact(
    kind: &str,
    blob: &[u8],
    subject: Option<&str>,
) -> (TestManifest, Vec<(String, Vec<u8>)>) {
    let mut document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": kind, "digest": digest(blob), "size": blob.len()}],
    });
    if let Some(subject) = subject {
        document["subject"] = json!({"mediaType": INDEX, "digest": subject, "size": 1});
    }
    let blobs = vec![
        (digest(b"{}"), b"{}".to_vec()),
        (digest(blob), blob.to_vec()),
    ];
    (made(MANIFEST, &document), blobs)
}

fn index_of(manifests: &[&TestManifest]) -> TestManifest {
    let entries: Vec<Value> = manifests
        .iter()
        .map(|one| json!({"mediaType": one.media_type, "digest": one.digest, "size": one.bytes.len()}))
        .collect();
    let document = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    made(INDEX, &document)
}

fn tag_of(digest: &str) -> String {
    digest.replacen(':', "-", 1)
}

/// What is attached upstream to the sensor's image.
struct Attached {
    sbom: String,
    signed_sbom: String,
    stray: String,
    cosign: String,
}

/// A bill of materials with a signature of its own, a list entry that is about something else, and a cosign signature of
/// one platform's image.
async fn attach(market: &Market, top: &str, child: &str) -> Attached {
    let (sbom, sbom_blobs) = artifact(SBOM, b"a bill of materials", Some(top));
    let (stray, stray_blobs) = artifact(SBOM, b"about nothing here", Some(child));
    let listed = index_of(&[&sbom, &stray]);
    let (signed, signed_blobs) = artifact(SIGNATURE, b"signed", Some(&sbom.digest));
    let signatures = index_of(&[&signed]);
    let (cosign, cosign_blobs) = artifact("application/vnd.oci.image.config.v1+json", b"sig", None);
    let attached = Attached {
        sbom: sbom.digest.clone(),
        signed_sbom: signed.digest.clone(),
        stray: stray.digest.clone(),
        cosign: cosign.digest.clone(),
    };
    for (tag, manifests, blobs) in [
        (
            tag_of(top),
            vec![sbom, stray, listed],
            [sbom_blobs, stray_blobs].concat(),
        ),
        (
            tag_of(&attached.sbom),
            vec![signed, signatures],
            signed_blobs,
        ),
        (format!("{}.sig", tag_of(child)), vec![cosign], cosign_blobs),
    ] {
        let image = TestImage {
            manifests,
            blobs,
            absent: Vec::new(),
        };
        market
            .upstream
            .push_image(REPOSITORY, &tag, &image)
            .await
            .unwrap();
    }
    attached
}

async fn seeded(market: &Market) -> (Offer, String, String) {
    let seeds = samples::images().unwrap();
    let seed = seeds
        .iter()
        .find(|seed| seed.repository == REPOSITORY)
        .unwrap();
    let (top, child) = (
        seed.image.index_digest.clone(),
        seed.image.children[0].digest.clone(),
    );
    market.seed(REPOSITORY).await;
    (market.draft("temperature-sensor").await, top, child)
}

async fn listed(
    app: &App,
    repo: &RepositoryName,
    subject: &str,
    kind: Option<&str>,
) -> Vec<String> {
    let subject: Digest = subject.parse().unwrap();
    let query = ReferrersQuery {
        artifact_type: kind,
        last: None,
    };
    let found = referrers(app, &Caller::Anonymous, repo, &subject, query)
        .await
        .unwrap();
    found
        .entries
        .iter()
        .map(|entry| entry.digest.to_string())
        .collect()
}

async fn comes_along(store: Store) {
    let market = Market::open(store).await;
    let (offer, top, child) = seeded(&market).await;
    let attached = attach(&market, &top, &child).await;
    let key = offer.key();
    let live = market.publish(&key).await;
    let app = &market.app;
    let repo: RepositoryName = key.repository(&offer.plans[0].plan).parse().unwrap();

    assert_eq!(
        listed(app, &repo, &top, None).await,
        [attached.sbom.as_str()]
    );
    assert_eq!(
        listed(app, &repo, &top, Some(SBOM)).await,
        [attached.sbom.as_str()]
    );
    assert!(listed(app, &repo, &top, Some(SIGNATURE)).await.is_empty());
    assert_eq!(
        listed(app, &repo, &attached.sbom, Some(SIGNATURE)).await,
        [attached.signed_sbom.as_str()],
        "what is attached to the attached comes, too"
    );
    let sig = format!("{}.sig", tag_of(&child));
    let pulled = async |name: &str| {
        let reference = name.parse().unwrap();
        find_manifest(app, &Caller::Anonymous, &repo, &reference).await
    };
    assert_eq!(pulled(&sig).await.unwrap().digest.as_str(), attached.cosign);
    for blob in [
        digest(b"sig"),
        digest(b"signed"),
        digest(b"a bill of materials"),
        digest(b"{}"),
    ] {
        let blob = blob.parse().unwrap();
        assert!(
            find_blob(app, &Caller::Anonymous, &repo, &blob)
                .await
                .unwrap()
                .public
        );
    }
    assert!(
        pulled(&attached.stray).await.is_err(),
        "it is about something else"
    );
    let steps = store::steps::of_submission(&app.reader, &live.id)
        .await
        .unwrap();
    let told = steps
        .iter()
        .map(|step| step.log.as_str())
        .collect::<String>();
    assert!(
        told.contains("3 attached") && told.contains("left out: referrer"),
        "{told}"
    );

    let command = TakeDown {
        key: key.clone(),
        release: None,
        reason: "A leaked key.".into(),
    };
    take_down(app, &market.operator, command).await.unwrap();
    for name in [sig.as_str(), &attached.sbom, &attached.signed_sbom] {
        let denied = pulled(name).await;
        assert!(
            matches!(denied, Err(Refusal::Denied(_))),
            "{name}: {denied:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_comes_along_and_goes_along() {
    for_each_engine(comes_along).await;
}

async fn healed(store: Store) {
    let market = Market::open(store).await;
    let (offer, top, child) = seeded(&market).await;
    attach(&market, &top, &child).await;
    market.publish(&offer.key()).await;
    let app = &market.app;
    let repo = offer.key().repository(&offer.plans[0].plan);
    let source = format!("{}/{REPOSITORY}", market.upstream.host);
    let held = store::registry::blobs_of(&app.reader, &repo).await.unwrap();
    let (sbom, signed): (Digest, Digest) = (
        digest(b"a bill of materials").parse().unwrap(),
        digest(b"signed").parse().unwrap(),
    );
    let largest = held
        .iter()
        .max_by_key(|(_, held)| held.size)
        .unwrap()
        .0
        .clone();
    let path = |digest: &Digest| app.blobs.blob_path(digest).unwrap();
    let spoil = |digest: &Digest| std::fs::write(path(digest), b"spoiled").unwrap();
    let before = std::fs::read(path(&largest)).unwrap();

    spoil(&largest);
    std::fs::remove_file(path(&sbom)).unwrap();
    let report = scrub(app, Mend::Fetch).await.unwrap();
    assert_eq!((report.broken, report.healed), (2, 2), "{report:?}");
    assert!(
        report
            .list
            .iter()
            .all(|one| one.healed_from.as_ref() == Some(&source))
    );
    assert!(std::fs::read(path(&largest)).unwrap() == before);
    let events = store::events::of_subject(&app.reader, "repository", &repo, 5)
        .await
        .unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == "blob_healed")
            .count(),
        2
    );
    assert_eq!(scrub(app, Mend::Fetch).await.unwrap().broken, 0);

    // The source no longer has it, or has something else under its name: told, and nothing wrong is kept.
    spoil(&signed);
    market
        .upstream
        .delete_blob(REPOSITORY, signed.as_str())
        .await
        .unwrap();
    let report = scrub(app, Mend::Fetch).await.unwrap();
    assert_eq!((report.broken, report.healed), (1, 0), "{report:?}");
    let why = report.list[0].not_healed.clone().unwrap();
    assert!(
        why.contains(&source) && why.contains("does not have it"),
        "{why}"
    );
    assert_eq!(app.blobs.size(&signed).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_blob_is_fetched_from_where_it_came() {
    for_each_engine(healed).await;
}
