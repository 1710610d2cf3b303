//! The report as a whole: verdicts, waivers, policies, counting, and the offline lint.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built fails its test"
)]

mod healthy;

use std::collections::BTreeMap;

use certify::{
    Level, Policy, Report, RulePolicy, RuleState, Subject, Verdict, Waiver, register, run,
};

const PRIVILEGED: &str = r#"{"HostConfig":{"Privileged":true}}"#;
const PLACE: &str = "plan standard, createOptions /HostConfig/Privileged";

fn privileged() -> Subject {
    let mut subject = healthy::subject();
    PRIVILEGED.clone_into(&mut subject.offer.plans[0].defaults.create_options);
    subject
}

fn waiver(rule: &str, place: &str, reason: &str) -> Waiver {
    Waiver {
        rule: rule.into(),
        place: place.into(),
        reason: reason.into(),
        by: "reviewer".into(),
    }
}

fn report(subject: &Subject) -> Report {
    run(subject, &Policy::default(), healthy::NOW)
}

fn state(report: &Report, code: &str) -> RuleState {
    report
        .results
        .iter()
        .find(|result| result.code == code)
        .unwrap()
        .state
}

fn policy(code: &str, own: RulePolicy) -> Policy {
    Policy::new("test", BTreeMap::from([(code.to_owned(), own)])).unwrap()
}

#[test]
fn the_same_subject_gives_the_same_report_and_it_reads_back() {
    let (first, second) = (report(&privileged()), report(&privileged()));
    assert_eq!(first, second);
    let text = serde_json::to_string(&first).unwrap();
    assert_eq!(text, serde_json::to_string(&second).unwrap());
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), first);
    assert_eq!(first.checked_at, healthy::NOW);
    let root = healthy::evidence().root.unwrap();
    assert_eq!(
        first.digests,
        BTreeMap::from([("standard".to_owned(), root)])
    );
}

#[test]
fn a_privileged_module_is_blocked_until_a_reviewer_gives_a_reason() {
    let mut subject = privileged();
    assert_eq!(
        report(&subject).verdict(),
        Verdict::Blocked(vec!["DEF-05".into()])
    );
    for useless in [
        waiver("DEF-05", PLACE, " "),
        waiver(
            "DEF-05",
            "plan other, createOptions /HostConfig/Privileged",
            "needed",
        ),
        waiver("DEF-04", PLACE, "needed"),
    ] {
        subject.waivers = vec![useless.clone()];
        assert_eq!(
            state(&report(&subject), "DEF-05"),
            RuleState::Failed,
            "{useless:?}"
        );
    }
    subject.waivers = vec![waiver("DEF-05", PLACE, "drives the GPU clock")];
    let waived = report(&subject);
    assert_eq!(waived.verdict(), Verdict::Certified);
    assert_eq!(state(&waived, "DEF-05"), RuleState::Waived);
    let result = waived
        .results
        .iter()
        .find(|result| result.code == "DEF-05")
        .unwrap();
    assert_eq!(
        result.outcomes[0].waiver.as_ref().unwrap().reason,
        "drives the GPU clock"
    );
    assert_eq!(waived.passed(), waived.applicable());
    assert_eq!(waived.waived(), 1, "a waived rule is counted apart");
    // A waiver holds for its place: a second demand is a new failure.
    subject.offer.plans[0].defaults.create_options =
        r#"{"HostConfig":{"Privileged":true,"CapAdd":["ALL"]}}"#.into();
    assert_eq!(state(&report(&subject), "DEF-05"), RuleState::Failed);
}

#[test]
fn a_rule_that_keeps_our_own_promise_cannot_be_waived() {
    let mut subject = healthy::subject();
    let root = subject.plans[0].root.clone().unwrap();
    subject.plans[0].tags.insert("1.0.0".into(), root);
    subject.waivers = vec![waiver("IMG-03", "plan standard, tag 1.0.0", "please")];
    assert_eq!(
        report(&subject).verdict(),
        Verdict::Blocked(vec!["IMG-03".into()])
    );
}

#[test]
fn a_judgement_call_waits_for_a_person() {
    let mut subject = healthy::subject();
    subject.offer.listing.title = "Grafana at the edge".into();
    assert_eq!(
        report(&subject).verdict(),
        Verdict::NeedsReview(vec!["LST-09".into()])
    );
    subject.waivers = vec![waiver("LST-09", "offer", "adds an edge dashboard")];
    assert_eq!(report(&subject).verdict(), Verdict::Certified);
}

#[test]
fn a_policy_changes_levels_and_switches_rules_off() {
    let off = policy(
        "DEF-05",
        RulePolicy {
            enabled: false,
            ..RulePolicy::default()
        },
    );
    let report = run(&privileged(), &off, healthy::NOW);
    assert_eq!(state(&report, "DEF-05"), RuleState::NotRun);
    assert_eq!(report.policy_version, "test");
    let review = policy(
        "DEF-05",
        RulePolicy {
            level: Some(Level::Review),
            ..RulePolicy::default()
        },
    );
    let report = run(&privileged(), &review, healthy::NOW);
    assert_eq!(
        report.verdict(),
        Verdict::NeedsReview(vec!["DEF-05".into()])
    );
    let later = RulePolicy {
        effective_from: Some(healthy::NOW + 1),
        ..RulePolicy::default()
    };
    let later = policy("DEF-05", later);
    assert_eq!(
        state(&run(&privileged(), &later, healthy::NOW), "DEF-05"),
        RuleState::Warned
    );
    assert_eq!(
        state(&run(&privileged(), &later, healthy::NOW + 1), "DEF-05"),
        RuleState::Failed
    );
}

#[test]
fn the_offline_lint_runs_what_needs_no_image() {
    let mut offline = healthy::subject();
    offline.imported = false;
    offline.links = None;
    offline.plans.clear();
    let report = report(&offline);
    assert_eq!(report.verdict(), Verdict::Certified);
    let not_run = report.codes(RuleState::NotRun);
    for code in ["LST-04", "IMG-01", "IMG-07", "IMG-11", "IMG-25"] {
        assert!(
            not_run.contains(&code.to_owned()),
            "{code} is among {not_run:?}"
        );
    }
    for code in [
        "LST-01", "LST-03", "LST-07", "IMG-02", "IMG-13", "IMG-22", "DEF-02", "DEF-05",
    ] {
        assert_eq!(state(&report, code), RuleState::Passed, "{code}");
    }
    assert!(report.digests.is_empty());
    let mut privileged = privileged();
    privileged.imported = false;
    assert_eq!(
        run(&privileged, &Policy::default(), 0).verdict(),
        Verdict::Blocked(vec!["DEF-05".into()])
    );
}

#[test]
fn an_image_given_by_itself_is_judged_by_what_is_in_it() {
    let healthy = report(&healthy::subject());
    let mut subject = healthy::subject();
    let unknown = "nobody is signed in";
    subject.unasked = Some(unknown.into());
    let plan = &mut subject.plans[0];
    plan.by_itself = true;
    plan.images.truncate(1);
    let alone = plan.images[0].clone();
    plan.manifests.retain(|digest, _| *digest == alone.digest);
    plan.configs.retain(|digest, _| *digest == alone.digest);
    plan.root = Some(alone.digest.clone());
    plan.tags.clear();
    subject.plans[0].images[0].compressed_bytes = 0;
    let report = report(&subject);
    let not_run = [
        "IMG-01", "IMG-03", "IMG-04", "IMG-14", "IMG-15", "IMG-16", "IMG-17", "IMG-19", "IMG-20",
        "IMG-21", "IMG-25", "IMG-26", "IMG-27",
    ];
    assert_eq!(report.codes(RuleState::NotRun), not_run);
    for result in &report.results {
        if !not_run.contains(&result.code.as_str()) {
            assert_eq!(
                result.state,
                state(&healthy, &result.code),
                "{}",
                result.code
            );
        }
    }
    let size = report.results.iter().find(|one| one.code == "IMG-05");
    assert_eq!(
        size.unwrap().outcomes[0].evidence,
        "900.0 kB unpacked, 1 layer"
    );
    let kept = report.results.iter().find(|one| one.code == "IMG-20");
    assert_eq!(kept.unwrap().outcomes[0].evidence, unknown);
}

#[test]
fn layers_that_could_not_be_read_are_not_run_and_never_passed() {
    let mut subject = healthy::subject();
    subject.plans[0].images[2].contents = Err("zstd is not supported".into());
    subject.plans[0].images[1].scan = None;
    let report = report(&subject);
    assert_eq!(
        report.codes(RuleState::NotRun),
        ["IMG-07", "IMG-08", "IMG-11", "IMG-12", "IMG-24"]
    );
}

#[test]
fn the_summary_counts_what_ran_and_tells_the_rest() {
    let mut subject = healthy::subject();
    subject.links = None;
    subject.plans[0].images[0].layers = 41;
    let report = report(&subject);
    let digest = report.digests["standard"].clone();
    // One warning, one not applicable, one not run.
    let ran = register().len() - 3;
    assert_eq!(report.passed(), ran);
    assert_eq!(
        report.summary_line("2026-11-22", &digest),
        format!(
            "passed {ran} of {ran} checks on 2026-11-22 for {digest} (1 warning, 1 not applicable, 1 not run)"
        )
    );
}

#[test]
fn an_empty_offer_is_blocked_and_nothing_panics() {
    let offer = domain::offer::Offer::empty(&"a.b".parse().unwrap());
    for imported in [false, true] {
        let mut subject = Subject::offline(
            offer.clone(),
            domain::matrix::Matrix::default(),
            "market.example",
        );
        subject.imported = imported;
        let Verdict::Blocked(codes) = report(&subject).verdict() else {
            panic!("an empty offer passed");
        };
        assert_eq!(codes, ["LST-01", "LST-02", "LST-03", "LST-06"]);
    }
}
