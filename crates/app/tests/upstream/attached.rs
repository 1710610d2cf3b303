//! Finding what is attached to an image: the referrers API in pages, the fallback tag where that is missing, cosign's
//! tags, bounds, and no loss over trouble that passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use app::upstream::attached::ATTACHED_MAX;
use app::upstream::copy::MANIFESTS_BYTES_MAX;
use app::upstream::{Attached, Choice, CopyLimits, UpstreamError, find_attached, plan_copy};
use serde_json::json;
use testkit::hostile;
use testkit::http::{Response, Server};
use testkit::image::{ImageBuilder, TestImage, digest};

use crate::common::{REPOSITORY, egress, registry};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn image() -> TestImage {
    ImageBuilder::new().platform("linux/amd64").single().build()
}

fn about(subject: &str, number: usize, size: usize) -> Vec<u8> {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": "application/x", "digest": digest(&number.to_le_bytes()), "size": size}],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
    })
    .to_string()
    .into_bytes()
}

fn list(referrers: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<_> = referrers
        .iter()
        .map(|bytes| json!({"mediaType": MANIFEST, "digest": digest(bytes), "size": bytes.len()}))
        .collect();
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        .to_string()
        .into_bytes()
}

/// How the registry keeps referrers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the API, two to a page.
    Pages,
    /// It fails over the API and has the fallback tag.
    Fallback,
    /// Neither; it is busy.
    Busy,
}

/// A registry with one image and referrers of it.
async fn serve(image: &TestImage, referrers: Vec<Vec<u8>>, way: Way) -> Server {
    let image = image.clone();
    let top = image.top().digest.clone();
    let fallback = top.replacen(':', "-", 1);
    Server::start(move |asked| {
        let rest = asked
            .path
            .strip_prefix(&format!("/v2/{REPOSITORY}/"))
            .unwrap_or_default();
        if let Some(subject) = rest.strip_prefix("referrers/") {
            if way == Way::Fallback {
                return Response::new(500, "what is that?");
            }
            if way == Way::Busy {
                return Response::new(503, "later");
            }
            if subject != top {
                return Response::new(200, list(&[])).with("content-type", INDEX);
            }
            let from: usize = asked
                .query_values("from")
                .first()
                .map_or(0, |text| text.parse().unwrap());
            let to = referrers.len().min(from + 2);
            let answer = Response::new(200, list(&referrers[from..to])).with("content-type", INDEX);
            if to == referrers.len() {
                return answer;
            }
            let next = format!("</v2/{REPOSITORY}/referrers/{top}?from={to}>; rel=\"next\"");
            return answer.with("link", next);
        }
        let name = rest.strip_prefix("manifests/").unwrap_or_default();
        if name == fallback && way == Way::Fallback {
            return Response::new(200, list(&referrers)).with("content-type", INDEX);
        }
        if name == "1.0" || name == top {
            return Response::new(200, image.top().bytes.clone()).with("content-type", MANIFEST);
        }
        match referrers.iter().find(|bytes| digest(bytes) == name) {
            Some(bytes) => Response::new(200, bytes.clone()).with("content-type", MANIFEST),
            None => Response::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        }
    })
    .await
    .unwrap()
}

async fn find(server: &Server, limits: &CopyLimits) -> Result<Attached, UpstreamError> {
    let registry = registry(&egress(), &server.host(), None);
    let plan = plan_copy(&registry, &["1.0"], limits, &Choice::all())
        .await
        .unwrap();
    find_attached(&registry, &plan, limits).await
}

#[tokio::test]
async fn referrers_are_found_in_pages_and_by_the_fallback_tag() {
    let image = image();
    let subject = image.top().digest.clone();
    let mut referrers: Vec<Vec<u8>> = (0..5).map(|number| about(&subject, number, 8)).collect();
    referrers.push(about(&digest(b"another image"), 6, 8));
    for way in [Way::Pages, Way::Fallback] {
        let server = serve(&image, referrers.clone(), way).await;
        let found = find(&server, &CopyLimits::default()).await.unwrap();
        assert_eq!(found.manifests.len(), 5);
        assert_eq!(
            found.blobs.len(),
            6,
            "five and the configuration they share"
        );
        assert_eq!(found.left_out.len(), 1, "{:?}", found.left_out);
        assert!(
            found.left_out[0].contains("does not name"),
            "{:?}",
            found.left_out
        );
    }
}

#[tokio::test]
async fn what_is_too_large_is_left_out_and_what_passes_is_an_error() {
    let image = image();
    let subject = image.top().digest.clone();
    let referrers = vec![about(&subject, 1, 8), about(&subject, 2, 1_000_000)];
    let server = serve(&image, referrers.clone(), Way::Pages).await;
    let limits = CopyLimits {
        blob_bytes_max: 999_999,
        ..CopyLimits::default()
    };
    let found = find(&server, &limits).await.unwrap();
    assert_eq!(found.manifests.len(), 1);
    assert!(
        found.left_out[0].contains("999999 allowed"),
        "{:?}",
        found.left_out
    );
    let server = serve(&image, referrers, Way::Busy).await;
    let error = find(&server, &limits).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
}

#[tokio::test]
async fn a_registry_that_knows_nothing_of_it_has_nothing() {
    let server = hostile::serve(&image(), REPOSITORY, "1.0", hostile::Trick::None)
        .await
        .unwrap();
    let found = find(&server, &CopyLimits::default()).await.unwrap();
    assert!(found.manifests.is_empty() && found.tags.is_empty());
    assert!(found.left_out.is_empty(), "{:?}", found.left_out);
}

/// A registry with one image whose list of referrers has no end; counts the pages, and the manifests asked for.
async fn endless(image: &TestImage, cycle: bool) -> (Server, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (image, top) = (image.clone(), image.top().digest.clone());
    let pages = Arc::new(AtomicUsize::new(0));
    let manifests = Arc::new(AtomicUsize::new(0));
    let counted = (pages.clone(), manifests.clone());
    let server = Server::start(move |asked| {
        let rest = asked.path.strip_prefix(&format!("/v2/{REPOSITORY}/"));
        let rest = rest.unwrap_or_default();
        if rest.starts_with("referrers/") {
            let page = pages.fetch_add(1, Ordering::SeqCst);
            let entries = match cycle {
                true => Vec::new(),
                false => (0..100)
                    .map(|number| format!("{page} {number}").into_bytes())
                    .collect(),
            };
            let from = if cycle { (page + 1) % 2 } else { page + 1 };
            let next = format!("</v2/{REPOSITORY}/referrers/{top}?from={from}>; rel=\"next\"");
            return Response::new(200, list(&entries))
                .with("content-type", INDEX)
                .with("link", next);
        }
        let name = rest.strip_prefix("manifests/").unwrap_or_default();
        if name == "1.0" || name == top {
            return Response::new(200, image.top().bytes.clone()).with("content-type", MANIFEST);
        }
        manifests.fetch_add(1, Ordering::SeqCst);
        Response::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#)
    });
    (server.await.unwrap(), counted.0, counted.1)
}

#[tokio::test]
async fn a_list_of_referrers_without_end_is_ended() {
    let image = image();
    let (server, pages, manifests) = endless(&image, false).await;
    let found = find(&server, &CopyLimits::default()).await.unwrap();
    assert!(found.manifests.is_empty());
    let (pages, manifests) = (
        pages.load(Ordering::SeqCst),
        manifests.load(Ordering::SeqCst),
    );
    assert!(pages <= 6, "{pages} pages");
    assert!(manifests <= 2 * ATTACHED_MAX + 3, "{manifests} manifests");
    let told = found.left_out.len();
    assert!(told > 0 && told <= 20, "{told} lines");

    let (server, pages, _) = endless(&image, true).await;
    find(&server, &CopyLimits::default()).await.unwrap();
    let pages = pages.load(Ordering::SeqCst);
    assert!(pages <= 3, "{pages} pages that lead to each other");
}

#[tokio::test]
async fn no_more_is_attached_than_the_memory_is_for() {
    let image = image();
    let subject = image.top().digest.clone();
    let large = |number: usize| {
        let mut document: serde_json::Value =
            serde_json::from_slice(&about(&subject, number, 8)).unwrap();
        document["annotations"] = json!({"org.example.text": "x".repeat(4_000_000)});
        document.to_string().into_bytes()
    };
    let referrers: Vec<Vec<u8>> = (0..10).map(large).collect();
    let server = serve(&image, referrers, Way::Pages).await;
    let found = find(&server, &CopyLimits::default()).await.unwrap();
    let bytes: u64 = found.manifests.iter().map(|m| m.bytes.len() as u64).sum();
    assert!(bytes <= MANIFESTS_BYTES_MAX, "{bytes} bytes");
    assert_eq!((found.manifests.len(), found.left_out.len()), (8, 2));
    assert!(
        found.left_out[0].contains("33554432"),
        "{:?}",
        found.left_out
    );
}
