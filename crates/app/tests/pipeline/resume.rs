//! Imports that are broken off: what came is kept, and only the rest is asked for. The upstream counts what it sends.

use app::offers::cancel_submission;
use domain::lifecycle::State;
use domain::offer::Offer;
use futures_util::TryStreamExt as _;
use store::Store;
use store::registry::uploads::{self, Upload};
use store::submissions::Submission;
use testkit::engines::for_each_engine;
use testkit::hostile::{self, Trick};
use testkit::http::{Request, Server};
use testkit::image::{ImageBuilder, TestImage};

use crate::market::Market;

const REPOSITORY: &str = "contoso/large";
const PLATFORMS: usize = 3;
/// Larger than two parts.
const LAYER_BYTES: usize = 18_000_000;
/// After the first part and before the second.
const STOPS_AT: usize = 12_000_000;
/// Manifests, configurations and small layers, asked for twice.
const SMALL_BYTES_MAX: u64 = 64 * 1024;

fn image() -> TestImage {
    ImageBuilder::all_platforms()
        .user("1000")
        .noise(LAYER_BYTES)
        .build()
}

async fn serve(image: &TestImage, trick: Trick) -> Server {
    hostile::serve(image, REPOSITORY, "latest,1.0.0", trick)
        .await
        .unwrap()
}

/// The temperature sensor with its image at `upstream`, submitted.
async fn submit(market: &Market, upstream: &Server) -> (Offer, String) {
    let offer = market.draft_from(upstream.host(), REPOSITORY).await;
    let id = market.submit(&offer.key()).await;
    (offer, id)
}

async fn parts(market: &Market, offer: &Offer) -> Vec<Upload> {
    let repo = offer.key().repository(&offer.plans[0].plan);
    uploads::of_repository(&market.app.reader, &repo)
        .await
        .unwrap()
}

/// Waits until a part of every large layer is kept.
async fn wait_for_parts(market: &Market, offer: &Offer) -> Vec<Upload> {
    let look = async {
        loop {
            let found = parts(market, offer).await;
            if found.len() == PLATFORMS && found.iter().all(|part| part.size > 0) {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), look)
        .await
        .expect("no part was kept")
}

fn ranges(upstream: &Server) -> Vec<String> {
    let asked = upstream.requests();
    let ranges = asked.iter().filter_map(|request| request.header("range"));
    let mut ranges: Vec<String> = ranges.map(ToOwned::to_owned).collect();
    ranges.sort();
    ranges
}

fn whole(request: &&Request) -> bool {
    request.path.contains("/blobs/") && request.header("range").is_none()
}

/// Everything is here and right, and nothing is left of the way.
async fn check(market: &Market, offer: &Offer, submission: &Submission, image: &TestImage) {
    let repo = offer.key().repository(&offer.plans[0].plan);
    let held = store::registry::blobs_of(&market.app.reader, &repo)
        .await
        .unwrap();
    assert_eq!(held.len(), image.blobs.len());
    for (digest, bytes) in &image.blobs {
        let opened = market.app.blobs.open(&digest.parse().unwrap(), None).await;
        let (size, stream) = opened.unwrap().unwrap();
        let read: Vec<bytes::Bytes> = stream.try_collect().await.unwrap();
        assert_eq!(size, bytes.len() as u64, "{digest}");
        assert!(read.concat() == *bytes, "{digest} has other bytes");
    }
    assert!(
        parts(market, offer).await.is_empty(),
        "rows of parts are left"
    );
    assert_eq!(submission.state, State::Preview);
}

async fn after_a_restart(store: Store) {
    let image = image();
    let trick = Trick::BlobStallsAt {
        at: STOPS_AT,
        times: 1,
        ranges: true,
    };
    let upstream = serve(&image, trick).await;
    let mut market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    let kept = wait_for_parts(&market, &offer).await;
    assert!(ranges(&upstream).is_empty());

    market.restart().await;
    let done = market.wait(&id, &[State::Preview]).await;
    check(&market, &offer, &done, &image).await;
    let mut expected: Vec<String> = kept
        .iter()
        .map(|part| format!("bytes={}-", part.size))
        .collect();
    expected.sort();
    assert_eq!(ranges(&upstream), expected, "only the rest is asked for");
    let lost: u64 = kept
        .iter()
        .map(|part| STOPS_AT as u64 - u64::try_from(part.size).unwrap())
        .sum();
    let all: u64 = image
        .blobs
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let sent = upstream.sent_bytes();
    assert!(
        sent <= all + lost + SMALL_BYTES_MAX,
        "{sent} bytes travelled for {all}, of which {lost} were lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_where_it_stopped() {
    for_each_engine(after_a_restart).await;
}

/// The first submission hangs at a silent registry; its publisher cancels it and submits again.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_submission_goes_on_with_the_parts_of_a_cancelled_one() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let image = image();
    let trick = Trick::BlobStallsAt {
        at: STOPS_AT,
        times: 1,
        ranges: true,
    };
    let upstream = serve(&image, trick).await;
    let market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    let kept = wait_for_parts(&market, &offer).await;
    cancel_submission(&market.app, &market.owner, &id)
        .await
        .unwrap();
    let again = market.submit(&offer.key()).await;
    let done = market.wait(&again, &[State::Preview]).await;
    check(&market, &offer, &done, &image).await;
    let asked = ranges(&upstream);
    for part in kept {
        let rest = format!("bytes={}-", part.size);
        assert!(asked.contains(&rest), "{rest} is not in {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_without_ranges() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let image = image();
    let trick = Trick::BlobStallsAt {
        at: STOPS_AT,
        times: 1,
        ranges: false,
    };
    let upstream = serve(&image, trick).await;
    let mut market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    wait_for_parts(&market, &offer).await;
    market.restart().await;
    let done = market.wait(&id, &[State::Preview]).await;
    check(&market, &offer, &done, &image).await;
    assert_eq!(ranges(&upstream).len(), PLATFORMS, "it was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_keeps_breaking_brings_it_all() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let image = image();
    let trick = Trick::BlobCut {
        every: 5_000_000,
        ranges: true,
    };
    let upstream = serve(&image, trick).await;
    let market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    let done = market.wait(&id, &[State::Preview]).await;
    check(&market, &offer, &done, &image).await;
    let all: u64 = image
        .blobs
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let sent = upstream.sent_bytes();
    assert!(
        sent <= all + SMALL_BYTES_MAX,
        "{sent} bytes travelled for {all}"
    );
    assert_eq!(
        ranges(&upstream).len(),
        PLATFORMS * (LAYER_BYTES / 5_000_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parts_are_thrown_away_and_the_whole_fetched_anew() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let image = image();
    let upstream = serve(&image, Trick::BlobRangeWrong(10_000_000)).await;
    let market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    let done = market.wait(&id, &[State::Preview]).await;
    check(&market, &offer, &done, &image).await;
    let asked = upstream.requests();
    let wholes = asked.iter().filter(whole).count();
    assert_eq!(wholes, image.blobs.len() + PLATFORMS, "large ones twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_stay_wrong_reject_and_leave_nothing() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let image = image();
    let upstream = serve(&image, Trick::BlobWrong).await;
    let market = Market::open_to(store, &[upstream.host()]).await;
    let (offer, id) = submit(&market, &upstream).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(why.contains("altered or incomplete"), "{why}");
    assert!(
        parts(&market, &offer).await.is_empty(),
        "rows of parts are left"
    );
    for (digest, _) in &image.blobs {
        let held = market.app.blobs.size(&digest.parse().unwrap()).await;
        assert_eq!(held.unwrap(), None, "{digest} is here");
    }
}
