//! One sample from submit to pull, and what happens to it afterwards.

use app::catalog::Query;
use app::deploy::{Choice, Form, NoManifest, manifest};
use app::offers::{
    GetItNow, StopSelling, cancel_submission, get_it_now, go_live, leads_csv, resume_selling,
    stop_selling,
};
use domain::lifecycle::{State, StopReason};
use store::Store;
use testkit::engines::for_each_engine;

use crate::market::Market;

fn search(text: &str) -> Query {
    Query {
        text: text.into(),
        ..Query::default()
    }
}

async fn submit_to_manifest(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let key = market.draft("temperature-sensor").await.key();
    let live = market.publish(&key).await;
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;

    let found = market.app.catalog.snapshot().search(&search("temprature"));
    assert_eq!(found.total, 1, "a misspelt word finds it");
    let module = market.app.catalog.module(&key).unwrap();
    let platforms: Vec<String> = module.platforms.iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm/v7", "linux/arm64"]);
    let report = module.report.as_ref().unwrap();
    assert_eq!(
        report.passed(),
        report.applicable(),
        "{:?}",
        crate::market::failures(&live)
    );

    let plan = &module.plans[0];
    let release = &plan.releases[0];
    let built = manifest(
        &market.app,
        &module,
        plan.plan.as_str(),
        Form::Full,
        &Choice::default(),
    )
    .unwrap();
    let image = &built["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]
        [&release.defaults.module_name]["settings"]["image"];
    assert_eq!(
        image,
        &format!("127.0.0.1:8080/{}@{}", plan.repository, release.digest)
    );
    let text = serde_json::to_string_pretty(&built).unwrap();
    let document = domain::deployment::Document::parse(&text).unwrap();
    let problems = domain::deployment::validate(&document);
    assert!(
        problems
            .iter()
            .all(|p| p.level != domain::deployment::Level::Error),
        "{problems:#?}"
    );

    let steps = store::steps::of_submission(&market.app.reader, &live.id)
        .await
        .unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    for step in [
        "submitted",
        "importing",
        "certifying",
        "preview",
        "publishing",
    ] {
        assert!(names.contains(&step), "{step} in {names:?}");
    }
    for tag in ["latest", &release.version.to_string()] {
        let named = store::registry::tag(&market.app.reader, &plan.repository, tag)
            .await
            .unwrap();
        assert_eq!(named.as_ref(), Some(&release.digest), "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_submit_to_manifest() {
    for_each_engine(submit_to_manifest).await;
}

async fn update_while_live(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    let key = offer.key();
    let first = market.publish(&key).await;

    offer.listing.summary = "Another sentence about the same sensor.".into();
    market.save(&offer).await;
    let replaced = market.submit(&key).await;
    market.wait(&replaced, &[State::Preview]).await;
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let shown = market.app.catalog.module(&key).unwrap();
    assert_ne!(
        shown.summary, offer.listing.summary,
        "the live listing does not follow the draft"
    );

    // A resubmit replaces the preview.
    let second = market.submit(&key).await;
    let old = market.wait(&replaced, &[State::Cancelled]).await;
    assert_eq!(old.number, 2);
    market.wait(&second, &[State::Preview]).await;
    go_live(&market.app, &market.owner, &second).await.unwrap();
    market.wait(&second, &[State::Live]).await;
    market.wait(&first.id, &[State::Superseded]).await;
    let summary = offer.listing.summary.clone();
    market
        .wait_for_catalog(|app| {
            app.catalog
                .module(&key)
                .is_some_and(|m| m.summary == summary)
        })
        .await;
    let releases = store::releases::of_offer(&market.app.reader, &key)
        .await
        .unwrap();
    assert!(
        releases.iter().all(|r| r.submission == first.id),
        "the same image makes no new release"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_offer_is_updated() {
    for_each_engine(update_while_live).await;
}

async fn stopped_and_resumed(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/heartbeat").await;
    let key = market.draft("heartbeat").await.key();
    market.publish(&key).await;
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let get = GetItNow {
        plan: market.app.catalog.module(&key).unwrap().plans[0]
            .plan
            .to_string(),
        company: "=cmd()".into(),
        consent: true,
        consent_text: "Pass my name on.".into(),
        ..GetItNow::default()
    };
    get_it_now(&market.app, &market.reviewer, &key, get.clone())
        .await
        .unwrap();
    let silent = GetItNow {
        consent: false,
        ..get
    };
    assert!(
        get_it_now(&market.app, &market.reviewer, &key, silent)
            .await
            .is_err()
    );
    let csv = leads_csv(&market.app, &market.owner, &key.publisher)
        .await
        .unwrap();
    assert!(csv.contains("'=cmd()"), "{csv}");
    assert_eq!(csv.lines().count(), 2, "{csv}");

    let stop = StopSelling {
        reason: StopReason::EndOfSupport,
        alternative: None,
    };
    stop_selling(&market.app, &market.owner, &key, stop)
        .await
        .unwrap();
    market
        .wait_for_catalog(|app| app.catalog.snapshot().search(&search("heartbeat")).total == 0)
        .await;
    assert!(
        market.app.catalog.module(&key).is_some_and(|m| !m.listed),
        "its page stays"
    );
    resume_selling(&market.app, &market.owner, &key)
        .await
        .unwrap();
    market
        .wait_for_catalog(|app| app.catalog.snapshot().search(&search("heartbeat")).total == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn selling_stops_and_resumes() {
    for_each_engine(stopped_and_resumed).await;
}

async fn cancelled(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let key = market.draft("temperature-sensor").await.key();
    let id = market.submit(&key).await;
    // Wherever the jobs are with it by now, before go-live it can be taken back.
    cancel_submission(&market.app, &market.owner, &id)
        .await
        .unwrap();
    market.wait(&id, &[State::Cancelled]).await;
    let again = market.publish(&key).await;
    assert_eq!(again.number, 2);
    let late = cancel_submission(&market.app, &market.owner, &again.id).await;
    assert!(late.is_err(), "nothing is cancelled after go-live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_cancelled_until_go_live() {
    for_each_engine(cancelled).await;
}

async fn placeholders(store: Store) {
    let market = Market::open(store).await;
    market.seed("fabrikam/http-forwarder").await;
    let key = market.draft("http-forwarder").await.key();
    market.publish(&key).await;
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let module = market.app.catalog.module(&key).unwrap();
    let plan = module.plans[0].plan.to_string();
    let unfilled = manifest(
        &market.app,
        &module,
        &plan,
        Form::Layered,
        &Choice::default(),
    );
    match unfilled {
        Err(NoManifest::Unfilled(names)) => {
            assert!(
                names.iter().any(|p| p.name == "MY_SERVER_IP_ADDRESS"),
                "{names:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let mut choice = Choice::default();
    for placeholder in &module.plans[0].placeholders {
        let value = match placeholder.name.as_str() {
            "MY_SERVER_IP_ADDRESS" => r#"10.0.0.5"},"evil":{"#,
            _ => "Sensor",
        };
        choice
            .values
            .insert(placeholder.name.clone(), value.to_owned());
    }
    let filled = manifest(&market.app, &module, &plan, Form::Layered, &choice).unwrap();
    let text = serde_json::to_string(&filled).unwrap();
    assert!(
        text.contains(r#"10.0.0.5\"},\"evil\":{"#),
        "a value stays one string: {text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholders_are_asked_for_and_stay_strings() {
    for_each_engine(placeholders).await;
}
