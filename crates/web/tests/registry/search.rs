//! `/v1`: what `docker search` and `podman search` see of the catalog.

use domain::defaults::Defaults;
use domain::lifecycle::{OfferState, State};
use domain::offer::{ImageSource, Offer, Plan, Price};
use domain::release::{Release, ReleasePlatform};
use serde_json::json;
use testkit::image::digest;

use crate::market::{DEV, Market, PASSWORD, basic, on_both};

fn plan(name: &str, hidden: bool) -> Plan {
    Plan {
        plan: name.parse().unwrap(),
        title: name.into(),
        summary: String::new(),
        description: String::new(),
        hidden,
        price: Price::Free,
        image: ImageSource::default(),
        platforms: Vec::new(),
        defaults: Defaults::default(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        release_notes: String::new(),
    }
}

/// Puts `contoso.sensor` with a listed and a hidden plan into the catalog.
pub(crate) async fn list_an_offer(market: &Market) {
    let key: domain::ids::OfferKey = "contoso.sensor".parse().unwrap();
    let mut offer = Offer::empty(&key);
    offer.listing.title = "Simulated temperature sensor".into();
    offer.listing.summary = "Sends made-up temperatures.".into();
    offer.plans = vec![plan("standard", false), plan("secret", true)];
    let tx = market.writer.begin().await.unwrap();
    let row = store::offers::OfferRow {
        draft: offer.clone(),
        key: key.clone(),
        revision: 1,
        state: OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: 1,
        updated_at: 1,
    };
    store::offers::insert(&tx, &row).await.unwrap();
    let submission = store::submissions::Submission {
        id: "s1".into(),
        number: 1,
        state: State::Live,
        frozen: offer,
        key: key.clone(),
        notes: String::new(),
        created_by: market.actor(DEV).await.label().to_owned(),
        created_at: 1,
        updated_at: 1,
        report: None,
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
    };
    store::submissions::insert(&tx, &submission).await.unwrap();
    for plan in ["standard", "secret"] {
        let digest = digest(plan.as_bytes()).parse().unwrap();
        let platform = ReleasePlatform {
            platform: "linux/amd64".parse().unwrap(),
            digest: oci::Digest::clone(&digest),
            compressed_bytes: 1,
            layers: 1,
        };
        let release = Release {
            key: key.clone(),
            plan: plan.parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            digest,
            tags: vec!["latest".into()],
            platforms: vec![platform],
            defaults: Defaults::default(),
            notes: String::new(),
            submission: "s1".into(),
            released_at: 1,
        };
        store::releases::insert(&tx, &release).await.unwrap();
    }
    store::offers::set_live(&tx, &key, "s1", 1).await.unwrap();
    store::offers::set_state(&tx, &key, OfferState::Live, None, 1)
        .await
        .unwrap();
    store::catalog_version::bump(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let snapshot = app::catalog::build(&market.reader).await.unwrap();
    market.app.catalog.swap(snapshot);
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_listed_plans_by_any_word() {
    on_both(async |market: Market| {
        let ping = market.get("/v1/_ping").await;
        assert_eq!(
            (ping.status, ping.header("x-docker-registry-standalone")),
            (200, "true")
        );
        assert_eq!(
            market.get("/v1/search?q=sensor").await.json()["num_results"],
            0
        );
        list_an_offer(&market).await;
        for query in [
            "?q=sensor&n=25",
            "?q=temperature",
            "?q=temprature",
            "",
            "?q=sensor&n=0",
            "?q=sensor&n=x",
        ] {
            let answer = market.get(&format!("/v1/search{query}")).await;
            assert_eq!(answer.status, 200, "{query}");
            let json = answer.json();
            assert_eq!(
                json["num_results"], 1,
                "{query}: the hidden plan is not listed"
            );
            assert_eq!(json["results"][0]["name"], "contoso/sensor/standard");
            assert_eq!(
                json["results"][0]["description"],
                "Sends made-up temperatures."
            );
        }
        assert_eq!(
            market.get("/v1/search?q=nothing-like-it").await.json()["results"],
            json!([])
        );
        let wrong = market
            .ask(
                "GET",
                "/v1/search",
                &[("Authorization", "Bearer wrong")],
                b"",
            )
            .await;
        assert_eq!(wrong.status, 401);
        let right = market
            .ask(
                "GET",
                "/v1/search",
                &[("Authorization", &basic(DEV, PASSWORD))],
                b"",
            )
            .await;
        assert_eq!(right.status, 200);
    })
    .await;
}
