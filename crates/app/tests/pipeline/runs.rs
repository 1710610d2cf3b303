//! Certification by running, on real Podman: a module that works goes live, a broken one is rejected by its own rule,
//! trials run side by side, nothing is left at the engine; and without an engine the operator decides what that means.

use app::admin::change_policy;
use certify::RuleState;
use domain::defaults::NamedText;
use domain::lifecycle::State;
use domain::offer::{Offer, PlatformOption};
use edge::runner::Pace;
use serde_json::json;
use store::Store;
use store::submissions::Submission;
use testkit::engines::for_each_engine;
use testkit::podman::{self, Podman};

use crate::market::Market;

/// A module with one fault on request; the matrix of `edgemart try` uses it too.
const MODULE: &[u8] = include_bytes!("../../../edgemart/tests/trial/module.py");
const REPOSITORY: &str = "contoso/fixture";

/// As fast as the fixture shows what it does.
fn pace() -> Pace {
    Pace {
        settle: std::time::Duration::from_secs(4),
        outage: std::time::Duration::from_secs(3),
        ..Pace::default()
    }
}

async fn market(store: Store, podman: &Podman) -> Market {
    let market = Market::open_with(store, &[], |settings| {
        settings.engine = Some(podman.address());
        settings.runs.pace = pace();
    })
    .await;
    let image = podman::python_module(MODULE).build();
    for tag in ["latest", "1.0.0"] {
        market
            .upstream
            .push_image(REPOSITORY, tag, &image)
            .await
            .unwrap();
    }
    market
}

/// The offer of the temperature sensor, with the fixture as its module; each plan in a mode.
async fn draft(market: &Market, modes: &[(&str, &str)]) -> Offer {
    let mut offer = market.draft("temperature-sensor").await;
    let explained = "<ul><li>MODE: what it does</li><li>PRODUCT: its name</li></ul><p><u>Minimum";
    let listing = &mut offer.listing;
    listing.description = listing.description.replace("<p><u>Minimum", explained);
    offer.properties.platforms = PlatformOption::Any;
    let first = offer.plans[0].clone();
    offer.plans = modes
        .iter()
        .map(|(name, mode)| {
            let mut plan = first.clone();
            plan.plan = name.parse().unwrap();
            (*name).clone_into(&mut plan.title);
            REPOSITORY.clone_into(&mut plan.image.repository);
            plan.image.tags = vec!["latest".into(), "1.0.0".into()];
            plan.platforms = vec!["linux/amd64".into()];
            plan.outputs = vec!["out".into()];
            let defaults = &mut plan.defaults;
            defaults.module_name = "fixture".into();
            defaults.routes = vec![NamedText::new(
                "all",
                "FROM /messages/modules/fixture/outputs/out INTO $upstream",
            )];
            defaults.env = vec![
                NamedText::new("MODE", *mode),
                NamedText::new("PRODUCT", format!("contoso.temperature-sensor.{name}")),
            ];
            defaults.create_options = r#"{"HostConfig":{"Memory":134217728}}"#.into();
            plan
        })
        .collect();
    market.save(&offer).await;
    offer
}

fn report(submission: &Submission) -> certify::Report {
    serde_json::from_value(submission.report.clone().unwrap()).unwrap()
}

/// What rules on running modules are in a state.
fn in_state(submission: &Submission, state: RuleState) -> Vec<String> {
    let codes = report(submission).codes(state).into_iter();
    codes
        .filter(|code| code.starts_with("RUN") || code.starts_with("FTP"))
        .collect()
}

async fn a_module_that_works(store: Store) {
    let podman = Podman::start();
    let market = market(store, &podman).await;
    let offer = draft(&market, &[("standard", "good"), ("second", "good")]).await;
    let live = market.publish(&offer.key()).await;
    let broken = crate::market::failures(&live);
    for code in broken.keys() {
        assert!(!code.starts_with("RUN"), "{broken:#?}");
    }
    let passed = in_state(&live, RuleState::Passed);
    for code in ["RUN-01", "RUN-06", "RUN-09", "RUN-14", "RUN-18", "RUN-20"] {
        assert!(passed.contains(&code.to_owned()), "{code} in {passed:?}");
    }
    let report = report(&live);
    let started = report.results.iter().find(|r| r.code == "RUN-01").unwrap();
    let places: Vec<&str> = started.outcomes.iter().map(|o| o.place.as_str()).collect();
    assert_eq!(
        places,
        ["plan second, linux/amd64", "plan standard, linux/amd64"]
    );
    assert_eq!(podman.left_behind(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_works_goes_live() {
    for_each_engine(a_module_that_works).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_module_is_rejected_by_its_rule() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let podman = Podman::start();
    let market = market(store, &podman).await;
    let offer = draft(&market, &[("standard", "bad-hmac")]).await;
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    assert_eq!(in_state(&rejected, RuleState::Failed), ["RUN-05"]);
    let why = rejected.failure.unwrap();
    assert!(why.contains("blocked by RUN-05"), "{why}");
    assert_eq!(podman.left_behind(), "");
}

async fn nobody_to_run_it(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let key = market.draft("temperature-sensor").await.key();
    let live = market.publish(&key).await;
    assert_eq!(in_state(&live, RuleState::Passed), Vec::<String>::new());
    assert_eq!(in_state(&live, RuleState::Warned), ["RUN-20"]);
    let text = live.report.unwrap().to_string();
    assert!(
        text.contains("not run: no container engine is configured"),
        "{text}"
    );

    let strict = json!({"policy": {"rules": {"RUN-20": {"level": "block"}}}});
    change_policy(&market.app, &market.operator, &strict)
        .await
        .unwrap();
    let id = market.submit(&key).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let why = rejected.failure.unwrap();
    assert!(
        why.contains("blocked by") && why.contains("RUN-20"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_engine_the_operator_decides() {
    for_each_engine(nobody_to_run_it).await;
}
