//! What was not seen is never counted as passed: not run, not reached and not applicable stay apart.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built fails its test"
)]

mod healthy;

use certify::behaviour::{Exit, LeftOut, Life, Reached};
use certify::{Behaviour, Observed, Policy, Report, RuleState, Subject, Trial, Verdict, run};
use domain::offer::ModuleKind;

fn ran(change: impl FnOnce(&mut Trial)) -> Report {
    let mut subject = healthy::subject();
    let Behaviour::Tried(trials) = &mut subject.behaviour else {
        panic!("it ran");
    };
    change(&mut trials[0]);
    report(&subject)
}

fn report(subject: &Subject) -> Report {
    run(subject, &Policy::default(), healthy::NOW)
}

/// The codes of rules about what a running module did in a state, as one text; whether it ran at all is RUN-20's.
fn codes(report: &Report, state: RuleState) -> String {
    let codes = report.codes(state).into_iter();
    let own: Vec<String> = codes
        .filter(|code| code.starts_with("RUN") || code.starts_with("FTP"))
        .filter(|code| code != "RUN-20")
        .collect();
    own.join(" ")
}

#[test]
fn without_an_engine_nothing_is_passed() {
    let mut subject = healthy::subject();
    subject.behaviour = Behaviour::NotRun("no container engine".into());
    let report = report(&subject);
    assert_eq!(codes(&report, RuleState::Passed), "");
    assert_eq!(codes(&report, RuleState::NotRun).split(' ').count(), 23);
    let rule = report.results.iter().find(|r| r.code == "RUN-01").unwrap();
    assert_eq!(rule.outcomes[0].evidence, "no container engine");
    assert_eq!(report.codes(RuleState::Warned), ["RUN-20"]);
}

#[test]
fn one_platform_that_did_not_run_keeps_a_rule_from_passing() {
    let mut subject = healthy::subject();
    let Behaviour::Tried(trials) = &mut subject.behaviour else {
        panic!("it ran");
    };
    trials.push(Trial::not_run("plan standard, linux/arm64", "no emulator"));
    assert_eq!(codes(&report(&subject), RuleState::Passed), "");
}

#[test]
fn what_comes_after_a_failure_is_not_reached() {
    let report = ran(|trial| {
        trial.observed = Ok(Box::new(Observed {
            contained: true,
            first: Life {
                reached: Reached::ConnectRefused,
                watched_ms: 9_000,
                ..Life::default()
            },
            workload: certify::behaviour::Workload {
                trust_bundle: true,
                signatures: 9,
                others: 0,
            },
            connect_refused: Some("the signature is wrong".into()),
            network: Some(certify::behaviour::Network::default()),
            ..Observed::default()
        }));
    });
    assert_eq!(codes(&report, RuleState::Failed), "RUN-05");
    assert_eq!(
        codes(&report, RuleState::Passed),
        "RUN-01 RUN-02 RUN-03 RUN-04 RUN-15"
    );
    assert_eq!(codes(&report, RuleState::NotReached).split(' ').count(), 17);
    assert_eq!(codes(&report, RuleState::NotApplicable), "");
}

#[test]
fn a_plain_process_cannot_show_what_a_container_may_not_do() {
    let report = ran(|trial| {
        let observed = trial.observed.as_mut().unwrap();
        observed.contained = false;
        observed.network = None;
        observed.hardened = None;
        observed.read_only = None;
        observed.footprint = None;
        observed.image = None;
    });
    assert_eq!(
        codes(&report, RuleState::NotRun),
        "RUN-15 RUN-17 RUN-18 FTP-01 FTP-02 FTP-04"
    );
    assert_eq!(codes(&report, RuleState::NotReached), "");
}

#[test]
fn an_emulator_is_not_measured() {
    let report = ran(|trial| trial.observed.as_mut().unwrap().emulated = true);
    assert_eq!(codes(&report, RuleState::NotRun), "FTP-01 FTP-02");
    // Also when the kernel ended it: an emulator needs memory of its own.
    let report = ran(|trial| {
        let observed = trial.observed.as_mut().unwrap();
        observed.emulated = true;
        observed.first.exit = Some(Exit {
            code: 137,
            after_ms: 5_000,
            out_of_memory: true,
            during: String::new(),
        });
    });
    assert_eq!(codes(&report, RuleState::NotRun), "FTP-01 FTP-02");
    assert_eq!(codes(&report, RuleState::Failed), "");
}

/// A module that could not connect and ran without these.
fn without(left_out: &[(&str, bool)], policy: &Policy) -> Report {
    let mut subject = healthy::subject();
    let Behaviour::Tried(trials) = &mut subject.behaviour else {
        panic!("it ran");
    };
    let observed = trials[0].observed.as_mut().unwrap();
    observed.first.reached = Reached::ConnectRefused;
    observed.connect_refused = Some("the signature is wrong".into());
    observed.left_out = left_out
        .iter()
        .map(|(what, weighs)| LeftOut {
            what: (*what).to_owned(),
            weighs: *weighs,
        })
        .collect();
    run(&subject, policy, healthy::NOW)
}

fn evidence<'a>(report: &'a Report, code: &str) -> &'a str {
    let found = report.results.iter().find(|one| one.code == code);
    &found.unwrap().outcomes[0].evidence
}

#[test]
fn a_failure_for_want_of_a_device_is_a_reviewers_to_judge() {
    let policy = Policy::default();
    let device = ("/HostConfig/Devices: left out", true);
    let ports = ("/HostConfig/PortBindings: left out", false);
    let report = without(&[device, ports], &policy);
    assert_eq!(codes(&report, RuleState::Failed), "");
    assert_eq!(codes(&report, RuleState::NeedsReview), "RUN-05");
    assert_eq!(
        report.verdict(),
        Verdict::NeedsReview(vec!["RUN-05".into()])
    );
    let told = evidence(&report, "RUN-05");
    let why = "without what its createOptions ask the host for (/HostConfig/Devices: left out), so a reviewer decides";
    assert!(told.contains("signature") && told.ends_with(why), "{told}");
    let ran = evidence(&report, "RUN-20");
    assert!(
        ran.contains("not exercised") && ran.contains(ports.0),
        "{ran}"
    );
    // What does not weigh excuses nothing.
    let report = without(&[ports], &policy);
    assert_eq!(codes(&report, RuleState::Failed), "RUN-05");
    assert!(!evidence(&report, "RUN-05").contains("reviewer"));
    // A warning stays one.
    let rules = r#"{"rules":{"RUN-05":{"level":"warn"}}}"#;
    let report = without(&[device], &serde_json::from_str(rules).unwrap());
    assert_eq!(report.codes(RuleState::Warned), ["RUN-05"]);
    let told = evidence(&report, "RUN-05");
    assert!(
        told.contains("Devices") && !told.contains("reviewer"),
        "{told}"
    );
}

#[test]
fn one_module_that_had_everything_still_blocks() {
    let mut subject = healthy::subject();
    let Behaviour::Tried(trials) = &mut subject.behaviour else {
        panic!("it ran");
    };
    let mut other = trials[0].clone();
    other.place = "plan second, linux/amd64".into();
    for trial in [&mut trials[0], &mut other] {
        trial.observed.as_mut().unwrap().first.reached = Reached::Amqp;
    }
    other.observed.as_mut().unwrap().left_out = vec![LeftOut {
        what: "/HostConfig/CapAdd: left out".into(),
        weighs: true,
    }];
    trials.push(other);
    assert_eq!(codes(&report(&subject), RuleState::Failed), "RUN-05");
}

#[test]
fn a_companion_need_not_speak_to_the_hub() {
    let report = ran(|trial| {
        trial.expected = certify::Expected {
            kind: ModuleKind::Companion,
            ..certify::Expected::default()
        };
        let observed = trial.observed.as_mut().unwrap();
        observed.first.reached = Reached::Nothing;
        observed.workload = certify::behaviour::Workload::default();
        observed.messages = certify::behaviour::Messages::default();
        observed.outage = None;
        observed.renewal = None;
        observed.methods = None;
        observed.twin_read = false;
    });
    assert_eq!(codes(&report, RuleState::Failed), "");
    let aside = codes(&report, RuleState::NotApplicable);
    for code in ["RUN-03", "RUN-05", "RUN-06", "RUN-08", "RUN-14", "FTP-03"] {
        assert!(aside.contains(code), "{code} in {aside}");
    }
}

#[test]
fn a_filter_is_judged_once_it_was_fed() {
    let report = ran(|trial| {
        trial.expected.kind = ModuleKind::Filter;
        let observed = trial.observed.as_mut().unwrap();
        observed.messages = certify::behaviour::Messages::default();
        observed.first.reached = Reached::Connected;
        observed.second.as_mut().unwrap().reached = Reached::Connected;
    });
    assert_eq!(codes(&report, RuleState::Failed), "RUN-06");
}

#[test]
fn a_long_run_is_asked_for_or_says_so() {
    let report = ran(|trial| trial.observed.as_mut().unwrap().renewal = None);
    assert_eq!(codes(&report, RuleState::NotRun), "RUN-19");
    assert!(evidence(&report, "RUN-19").contains("no long run was asked for"));
    let report = ran(|trial| {
        let renewal = trial.observed.as_mut().unwrap().renewal.as_mut().unwrap();
        renewal.token_left_seconds = 3_500;
        renewal.renewed_after_ms = None;
        renewal.waited_ms = 600_000;
    });
    assert_eq!(codes(&report, RuleState::NotRun), "RUN-19");
    assert!(evidence(&report, "RUN-19").contains("3500 s"));
}
