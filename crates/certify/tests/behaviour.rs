//! What was not seen is never counted as passed: not run, not reached and not applicable stay apart.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built fails its test"
)]

mod healthy;

use certify::behaviour::{Life, Reached};
use certify::{Behaviour, Observed, Policy, Report, RuleState, Subject, Trial, run};
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
    assert_eq!(codes(&report, RuleState::NotRun).split(' ').count(), 22);
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
    assert_eq!(codes(&report, RuleState::NotReached).split(' ').count(), 16);
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
