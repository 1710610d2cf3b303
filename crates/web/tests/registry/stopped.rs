//! A module that its publisher stopped selling: out of every list, still there for those who have it, with a warning, or
//! denied where the operator decided so.

use app::settings::{OnStop, RegistrySettings};
use domain::lifecycle::{OfferState, StopReason};
use store::offers::StopInfo;
use testkit::image::{ImageBuilder, TestImage};

use crate::market::{LIVE, Market, on_both, on_both_with};
use crate::search::list_an_offer;

fn image() -> TestImage {
    ImageBuilder::all_platforms().single().build()
}

async fn stop(market: &Market, reason: StopReason) {
    let stop = StopInfo {
        reason,
        alternative: Some("contoso.sensor-2".into()),
        at: 1,
    };
    let tx = market.writer.begin().await.unwrap();
    let key = "contoso.sensor".parse().unwrap();
    store::offers::set_state(&tx, &key, OfferState::Stopped, Some(&stop), 2)
        .await
        .unwrap();
    store::catalog_version::bump(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let snapshot = app::catalog::build(&market.reader).await.unwrap();
    market.app.catalog.swap(snapshot);
}

/// What a pull by tag is answered once this process knows of the change.
async fn pulled(
    market: &Market,
    done: impl Fn(&crate::http::Answer) -> bool,
) -> crate::http::Answer {
    let look = async {
        loop {
            let answer = market.get(&format!("/v2/{LIVE}/manifests/latest")).await;
            if done(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), look)
        .await
        .expect("the answer did not change")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_stopped_module_is_warned_and_nobody_else_finds_it() {
    on_both(async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        list_an_offer(&market).await;
        let lists = [
            "/v2/_catalog",
            "/v1/search?q=sensor",
            "/v2/search/repositories/?query=sensor",
            "/v2/repositories/contoso/",
        ];
        for target in lists {
            let list = market.get(target).await.text();
            assert!(list.contains("sensor/standard"), "{target}: {list}");
            assert!(!list.contains("sensor/secret"), "{target}: {list}");
        }
        let sold = pulled(&market, |answer| answer.status == 200).await;
        assert_eq!(sold.header("warning"), "");
        stop(&market, StopReason::EndOfSupport).await;
        for target in lists {
            let list = market.get(target).await.text();
            assert!(!list.contains("sensor/standard"), "{target}: {list}");
        }
        let warned = pulled(&market, |answer| !answer.header("warning").is_empty()).await;
        assert_eq!((warned.status, &warned.body), (200, &image.top().bytes));
        let text = warned.header("warning");
        assert!(
            text.starts_with("299 - \"the module contoso.sensor reached its end of support")
                && text.ends_with("Use contoso.sensor-2 instead\""),
            "{text}"
        );
        let by_digest = format!("/v2/{LIVE}/manifests/{}", image.top().digest);
        let fresh = [("If-None-Match", warned.header("etag"))];
        let unchanged = market.ask("GET", &by_digest, &fresh, b"").await;
        assert_eq!(unchanged.status, 304);
        assert_eq!(unchanged.header("warning"), text);
        let tags = market.get(&format!("/v2/{LIVE}/tags/list")).await;
        assert_eq!(tags.json()["tags"], serde_json::json!(["latest"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_stop_denies_where_the_operator_wants_that() {
    let strict = RegistrySettings {
        on_security_stop: OnStop::Deny,
        ..RegistrySettings::default()
    };
    on_both_with(strict, async |market: Market| {
        let image = image();
        market.release(LIVE, "latest", &image, true).await;
        list_an_offer(&market).await;
        stop(&market, StopReason::Other).await;
        let warned = pulled(&market, |answer| !answer.header("warning").is_empty()).await;
        assert_eq!(warned.status, 200, "another reason only warns");
        stop(&market, StopReason::SecurityIssue).await;
        let denied = pulled(&market, |answer| answer.status != 200).await;
        assert_eq!((denied.status, denied.code().as_str()), (403, "DENIED"));
        assert!(
            denied.text().contains("security issue") && denied.text().contains("contoso.sensor-2")
        );
        let blob = format!("/v2/{LIVE}/blobs/{}", image.blobs[0].0);
        let denied = market.get(&blob).await;
        assert_eq!((denied.status, denied.code().as_str()), (403, "DENIED"));
    })
    .await;
}
