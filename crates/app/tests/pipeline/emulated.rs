//! A real module for other architectures, on real Podman: it is started, it authenticates and sends, and that is judged;
//! what it takes is not. Where no emulator is registered (scripts/packages.sh registers those of qemu-user-static), the
//! report says so instead.

use certify::{Report, RuleState, State as Found};
use domain::lifecycle::State;
use domain::offer::PlatformOption;
use edge::runner::Engine;
use testkit::engines::sqlite;
use testkit::podman::Podman;

use crate::market::Market;

const PLATFORMS: [(&str, &str); 2] = [("linux/arm64", "arm64"), ("linux/arm/v7", "arm")];
const JUDGED: [State; 3] = [State::Rejected, State::InReview, State::Preview];
/// Emulated programs are slow, and two of them on two cores with other work slower.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// What a rule found of a platform, and how.
fn found<'a>(report: &'a Report, code: &str, platform: &str) -> (Found, &'a str) {
    let result = report.results.iter().find(|one| one.code == code).unwrap();
    let mut outcomes = result.outcomes.iter();
    let outcome = outcomes.find(|one| one.place.ends_with(platform)).unwrap();
    (outcome.state, &outcome.evidence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_for_arm_is_judged_but_not_measured() {
    let podman = Podman::start();
    let (store, _folder) = sqlite().await;
    let market = Market::open_with(store, &[], |settings| {
        settings.engine = Some(podman.address());
        settings.runs.pace.settle = std::time::Duration::from_secs(4);
        settings.runs.pace.outage = std::time::Duration::from_secs(3);
    })
    .await;
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.properties.platforms = PlatformOption::Any;
    offer.plans[0].platforms = PLATFORMS.map(|(platform, _)| platform.to_owned()).to_vec();
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    let judged = market.wait_within(&id, &JUDGED, PATIENCE).await;
    let report: Report = serde_json::from_value(judged.report.clone().unwrap()).unwrap();
    let engine = Engine::open(&podman.address()).await.unwrap();
    let runs = store::runs::certifying(&market.app.reader, &id)
        .await
        .unwrap();
    for (platform, architecture) in PLATFORMS {
        let run = runs.iter().map(|run| &run.summary);
        let run = run.clone().find(|run| run.platform.to_string() == platform);
        let run = run.unwrap();
        if !engine.runs(architecture) {
            eprintln!("{platform}: no emulator is registered here");
            let (state, told) = found(&report, "RUN-20", platform);
            assert_eq!(state, Found::Failed);
            let why = format!("not run: no emulation for {platform}");
            assert!(told.contains(&why), "{told}");
            assert!(run.why_not.is_some() && !run.emulated);
            continue;
        }
        eprintln!("{platform}: run under emulation");
        for code in [
            "RUN-01", "RUN-02", "RUN-03", "RUN-04", "RUN-05", "RUN-06", "RUN-20",
        ] {
            let (state, told) = found(&report, code, platform);
            assert_eq!(state, Found::Passed, "{code}, {platform}: {told}");
        }
        for code in ["FTP-01", "FTP-02"] {
            let (state, told) = found(&report, code, platform);
            assert_eq!(state, Found::NotRun, "{code}, {platform}: {told}");
            assert!(told.contains("emulator"), "{told}");
        }
        assert!(run.emulated && run.footprint.is_none(), "{run:?}");
        assert_eq!(run.broken, Vec::<String>::new(), "{run:?}");
    }
    for state in [RuleState::Failed, RuleState::NeedsReview] {
        let broken = report.codes(state).into_iter();
        let broken: Vec<String> = broken
            .filter(|code| code.starts_with("RUN") || code.starts_with("FTP"))
            .collect();
        assert_eq!(broken, Vec::<String>::new());
    }
    assert_eq!(podman.left_behind(), "");
}
