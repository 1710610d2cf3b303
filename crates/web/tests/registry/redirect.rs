//! Large blobs by way of the object store: only where the operator says so, only for `GET`, exactly the bytes, and not for
//! long when they are not public.

use app::settings::RegistrySettings;
use testkit::image::{ImageBuilder, TestImage};

use crate::http::Answer;
use crate::market::{INBOX, LIVE, Market, on_both, on_both_with};

const SECONDS: u32 = 900;

pub(crate) fn redirecting() -> RegistrySettings {
    RegistrySettings {
        redirect_seconds: Some(SECONDS),
        ..RegistrySettings::default()
    }
}

fn image() -> TestImage {
    let built = ImageBuilder::all_platforms().single().noise(300_000);
    built.build()
}

/// What a client that follows gets in the end.
async fn followed(market: &Market, path: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
    let mut request = reqwest::Client::new().get(format!("http://{}{path}", market.peer));
    for (name, text) in headers {
        request = request.header(*name, *text);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.unwrap().to_vec())
}

/// For how many seconds the address is good.
fn good_for(answer: &Answer) -> u32 {
    let (_, rest) = answer
        .header("location")
        .split_once("X-Amz-Expires=")
        .unwrap();
    rest.split('&').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_blobs_are_fetched_from_the_object_store() {
    on_both_with(redirecting(), async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        let (layer, bytes) = image.largest_blob().clone();
        let at = format!("/v2/{LIVE}/blobs/{layer}");
        let answer = market.get(&at).await;
        if !market.on_s3() {
            assert_eq!(answer.status, 200, "a folder has no address of its own");
            assert!(answer.body == bytes);
            return;
        }
        assert_eq!(answer.status, 307, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("docker-content-digest"), layer);
        assert_eq!(good_for(&answer), SECONDS);
        let address = answer.header("location");
        assert!(address.starts_with("http://localhost:"), "{address}");
        assert!(followed(&market, &at, &[]).await == (200, bytes.clone()));
        let part = followed(&market, &at, &[("Range", "bytes=100-199")]).await;
        assert!(part == (206, bytes[100..200].to_vec()));

        let head = market.ask("HEAD", &at, &[], b"").await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, bytes.len().to_string().as_str())
        );
        let tag = format!("\"{layer}\"");
        let known = market
            .ask("GET", &at, &[("If-None-Match", &tag)], b"")
            .await;
        assert_eq!(known.status, 304);
        let small = image
            .blobs
            .iter()
            .find(|(_, bytes)| bytes.len() < 10_000)
            .unwrap();
        let small_at = format!("/v2/{LIVE}/blobs/{}", small.0);
        assert!(
            market.get(&small_at).await.body == small.1,
            "small ones come from here"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_public_is_open_there_for_a_minute() {
    on_both_with(redirecting(), async |market: Market| {
        let image = image();
        market.push_image(INBOX, "1.0", &image).await;
        let (layer, bytes) = image.largest_blob().clone();
        let at = format!("/v2/{INBOX}/blobs/{layer}");
        assert_eq!(
            market.get(&at).await.status,
            401,
            "who may not read gets no address"
        );
        let token = market.pusher(INBOX).await;
        let answer = market
            .ask("GET", &at, &[("Authorization", &token)], b"")
            .await;
        if !market.on_s3() {
            assert!(answer.body == bytes);
            return;
        }
        assert_eq!(answer.status, 307, "{}", answer.text());
        assert_eq!(good_for(&answer), 60);
        // The token stays here: it is not for the other host, where it would be refused beside the signature.
        let read = followed(&market, &at, &[("Authorization", &token)]).await;
        assert!(read == (200, bytes));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_away_unless_the_operator_says_so() {
    on_both(async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        let (layer, bytes) = image.largest_blob().clone();
        let answer = market.get(&format!("/v2/{LIVE}/blobs/{layer}")).await;
        assert!(answer.status == 200 && answer.body == bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_does_not_understand_is_answered_here() {
    on_both_with(redirecting(), async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        let (layer, bytes) = image.largest_blob().clone();
        let at = format!("/v2/{LIVE}/blobs/{layer}");
        let tag = format!("\"{layer}\"");
        let several = [("Range", "bytes=0-9,100-109")];
        let answer = market.ask("GET", &at, &several, b"").await;
        assert_eq!(answer.status, 206);
        assert!(
            answer
                .header("content-type")
                .starts_with("multipart/byteranges")
        );
        let same = [("Range", "bytes=5-9"), ("If-Range", tag.as_str())];
        let answer = market.ask("GET", &at, &same, b"").await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (206, &bytes[5..10])
        );
        let other = [("Range", "bytes=5-9"), ("If-Range", "\"another\"")];
        let answer = market.ask("GET", &at, &other, b"").await;
        assert!(answer.status == 200 && answer.body == bytes);
        let beyond = [("Range", "bytes=9999999-")];
        assert_eq!(market.ask("GET", &at, &beyond, b"").await.status, 416);
        // Each part of an object is a request to the store, so there not any number is read.
        let many: Vec<String> = (0..65)
            .map(|at| format!("{}-{}", at * 10, at * 10))
            .collect();
        let many = format!("bytes={}", many.join(","));
        let answer = market.ask("GET", &at, &[("Range", &many)], b"").await;
        let expected = if market.on_s3() { 200 } else { 206 };
        assert_eq!(answer.status, expected);
        assert!(!market.on_s3() || answer.body == bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_layer_is_told_here_and_not_at_the_store() {
    on_both_with(redirecting(), async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        let (layer, _) = image.largest_blob().clone();
        market.blobs.delete(&layer.parse().unwrap()).await.unwrap();
        let answer = market.get(&format!("/v2/{LIVE}/blobs/{layer}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "BLOB_UNKNOWN")
        );
    })
    .await;
}
