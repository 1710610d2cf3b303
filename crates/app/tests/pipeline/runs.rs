//! Certification by running, on real Podman: a module that works goes live, a broken one is rejected by its own rule,
//! trials run side by side, nothing is left at the engine; and without an engine the operator decides what that means.

use std::io::Read as _;

use app::admin::change_policy;
use app::catalog::{Memory, Query};
use app::offers::waive_rule;
use app::settings::Nightly;
use certify::RuleState;
use domain::defaults::NamedText;
use domain::lifecycle::State;
use domain::offer::{Offer, PlatformOption};
use domain::overlay::Overlay;
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
        settings.runs.nightly = Some(Nightly {
            from_minute: 0,
            minutes: 24 * 60,
            outage: std::time::Duration::from_secs(5),
            ..Nightly::default()
        });
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
    // The fixture answers none of the methods that the sample's overlay calls.
    offer.certify = Overlay::default();
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
    what_was_measured(&market, &offer, &live).await;
    a_night(&market, &offer, &live).await;
    assert_eq!(podman.left_behind(), "");
}

/// Figures, timeline and event log are kept, and the catalog has them.
async fn what_was_measured(market: &Market, offer: &Offer, live: &Submission) {
    let runs = store::runs::certifying(&market.app.reader, &live.id)
        .await
        .unwrap();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        let summary = &run.summary;
        assert_eq!(summary.platform.to_string(), "linux/amd64");
        assert_eq!(summary.environment, edge::VERSION);
        assert!(summary.engine.contains("Podman"), "{}", summary.engine);
        assert_eq!(summary.broken, Vec::<String>::new());
        assert!(summary.passed > 15, "{summary:?}");
        let took = summary.footprint.unwrap();
        assert!(took.memory_peak_bytes > 1_000_000, "{took:?}");
        let observed = run.observed.as_ref().unwrap();
        assert!(observed.first.message_ms.is_some(), "{observed:?}");
        let timeline = &observed.timeline;
        assert!(timeline.moments.len() > 5, "{timeline:?}");
        let sent: u64 = timeline.moments.iter().map(|one| one.messages).sum();
        assert!(sent > 0, "{timeline:?}");
        let (from, to) = timeline.outage_ms.unwrap();
        assert!(from < to, "{timeline:?}");
        let log = summary.log.as_ref().unwrap();
        let packed = market.app.blobs.get_run_log(&log.digest).await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed.unwrap()[..])
            .read_to_string(&mut text)
            .unwrap();
        for event in ["\"connected\"", "\"hub-stopped\"", "\"module-output\""] {
            assert!(text.contains(event), "{event} in {text}");
        }
    }
    let key = offer.key();
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let module = market.app.catalog.module(&key).unwrap();
    for plan in &module.plans {
        assert_eq!(plan.runs.len(), 1, "{}", plan.plan);
        assert!(plan.runs[0].footprint.is_some());
    }
    // Two plans: the one that took more counts; its declared limit of 128 MiB does not.
    let took = runs.iter().map(|run| run.summary.footprint.unwrap());
    let most = took.map(|took| took.memory_peak_bytes).max().unwrap();
    let amd64 = "linux/amd64".parse().unwrap();
    assert_eq!(module.memory(Some(&amd64)), Some(Memory::Measured(most)));
    let other = "linux/arm64".parse().unwrap();
    assert_eq!(module.memory(Some(&other)), Some(Memory::Limit(128 << 20)));
    let class = if most <= 32 << 20 { "32m" } else { "128m" };
    let found = market.app.catalog.snapshot().search(&Query {
        memory: vec![class.to_owned()],
        ..Query::default()
    });
    assert_eq!(found.total, 1, "{class}, {most} bytes");
}

/// Makes it look as if a plan had been certified the day before yesterday and been broken last night.
async fn broken_last_night(market: &Market, live: &Submission, plan: &str) {
    let runs = store::runs::certifying(&market.app.reader, &live.id).await;
    let mut runs = runs.unwrap().into_iter();
    let mut run = runs.find(|run| run.summary.plan.as_str() == plan).unwrap();
    let tx = market.store.writer.begin().await.unwrap();
    let certified = run.summary.began_at;
    for (id, nights_ago, broken) in [("certified", 2, None), ("broke", 1, Some("RUN-16"))] {
        let summary = &mut run.summary;
        id.clone_into(&mut summary.id);
        summary.began_at = certified - nights_ago * app::clock::DAY;
        summary.nightly = broken.is_some();
        summary.broken = broken.map(str::to_owned).into_iter().collect();
        store::runs::keep(&tx, &run).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What works is run again and its date is fresh; that it works again is recorded once, and that it still does is not.
async fn a_night(market: &Market, offer: &Offer, live: &Submission) {
    broken_last_night(market, live, "second").await;
    assert_eq!(app::jobs::begin_night(&market.app).await.unwrap(), 1);
    let reader = &market.app.reader;
    let look = async {
        loop {
            let mut runs = store::runs::summaries(reader, &live.id).await.unwrap();
            runs.retain(|run| run.nightly && run.id != "broke");
            if runs.len() == 2 {
                return runs;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let patience = std::time::Duration::from_secs(180);
    let runs = tokio::time::timeout(patience, look).await;
    for run in runs.expect("both plans are run again") {
        assert_eq!(run.broken, Vec::<String>::new(), "{run:?}");
    }
    let key = offer.key();
    let fresh = |app: &app::App| {
        let module = app.catalog.module(&key).unwrap();
        let mut newest = module.plans.iter().map(|plan| &plan.runs[0]);
        newest.all(|run| run.nightly && run.id != "broke")
    };
    market.wait_for_catalog(fresh).await;
    let name = key.to_string();
    let events = store::events::of_subject(reader, "offer", &name, 50)
        .await
        .unwrap();
    let mut told = events.iter().filter(|event| event.kind.starts_with("run_"));
    let recovered = told.next().unwrap();
    assert_eq!(recovered.kind, "run_recovered");
    assert_eq!(recovered.data["place"], "plan second, linux/amd64");
    assert_eq!(recovered.data["rules"], "");
    assert!(told.next().is_none(), "the other plan was never broken");
    let again = app::jobs::begin_night(&market.app).await.unwrap();
    assert_eq!(again, 0, "once a night");
}

/// A rule that only warned when it was certified is one that blocks now: that is a break, recorded and shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_break_at_night_is_told() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let podman = Podman::start();
    let market = market(store, &podman).await;
    let offer = draft(&market, &[("standard", "no-product")]).await;
    let key = offer.key();
    let live = market.publish(&key).await;
    assert!(in_state(&live, RuleState::Warned).contains(&"RUN-16".to_owned()));
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let strict = json!({"policy": {"rules": {"RUN-16": {"level": "block"}}}});
    change_policy(&market.app, &market.operator, &strict)
        .await
        .unwrap();
    assert_eq!(app::jobs::begin_night(&market.app).await.unwrap(), 1);
    let broken = |app: &app::App| {
        let module = app.catalog.module(&key).unwrap();
        module.plans[0].runs[0].broken == ["RUN-16"]
    };
    market.wait_for_catalog(broken).await;
    let name = key.to_string();
    let events = store::events::of_subject(&market.app.reader, "offer", &name, 50)
        .await
        .unwrap();
    let told: Vec<_> = events.iter().filter(|e| e.kind == "run_broke").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].data["rules"], "RUN-16");
    assert_eq!(told[0].data["place"], "plan standard, linux/amd64");
}

/// A waiver makes the rules look again, at what was kept: no module is run a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_looks_at_what_was_seen() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let podman = Podman::start();
    let market = market(store, &podman).await;
    let offer = draft(&market, &[("standard", "phones-home")]).await;
    let id = market.submit(&offer.key()).await;
    let asked = market.wait(&id, &[State::InReview]).await;
    assert_eq!(in_state(&asked, RuleState::NeedsReview), ["RUN-15"]);
    let kept = store::runs::certifying(&market.app.reader, &id)
        .await
        .unwrap();
    assert_eq!(kept[0].summary.broken, ["RUN-15"]);
    // Whoever ran it again would need an engine.
    drop(podman);
    let place = "plan standard, linux/amd64";
    waive_rule(
        &market.app,
        &market.reviewer,
        &id,
        "RUN-15",
        place,
        "its own",
    )
    .await
    .unwrap();
    let look = async {
        loop {
            let found = store::submissions::find(&market.app.reader, &id)
                .await
                .unwrap()
                .unwrap();
            if in_state(&found, RuleState::Waived) == ["RUN-15"] {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(std::time::Duration::from_secs(60), look).await;
    let found = found.expect("the report follows the waiver");
    assert!(in_state(&found, RuleState::Passed).contains(&"RUN-06".to_owned()));
    let after = store::runs::certifying(&market.app.reader, &id)
        .await
        .unwrap();
    assert_eq!(after, kept);
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

/// A module that needs a device nobody gives it is no bad module: a reviewer hears what it ran without.
#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_needs_a_device_is_a_reviewers_to_judge() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let podman = Podman::start();
    let market = market(store, &podman).await;
    let mut offer = draft(&market, &[("standard", "needs-device")]).await;
    offer.plans[0].defaults.create_options =
        r#"{"HostConfig":{"Memory":134217728,"Devices":[{"PathOnHost":"/dev/ttyUSB0","PathInContainer":"/dev/ttyUSB0","CgroupPermissions":"rw"}]}}"#.into();
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    let asked = market.wait(&id, &[State::InReview]).await;
    assert_eq!(in_state(&asked, RuleState::NeedsReview), ["RUN-01"]);
    let told = crate::market::failures(&asked)["RUN-01"].join("\n");
    assert!(
        told.contains("/HostConfig/Devices: left out") && told.contains("a reviewer decides"),
        "{told}"
    );
    let kept = store::runs::certifying(&market.app.reader, &id)
        .await
        .unwrap();
    assert_eq!(kept[0].left_out, ["/HostConfig/Devices: left out"]);
    let approve = app::offers::Verdict::Approve {
        comment: "It needs its port.".into(),
    };
    app::offers::review_submission(&market.app, &market.reviewer, &id, approve)
        .await
        .unwrap();
    market.wait(&id, &[State::Preview]).await;
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
