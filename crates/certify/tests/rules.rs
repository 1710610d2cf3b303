//! One healthy offer passes everything; each thing broken fails exactly the rules it should.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built fails its test"
)]

mod faults;
mod healthy;

use certify::{Policy, Report, RuleState, Subject, Verdict, register, run};
use faults::TABLES;

fn report(subject: &Subject) -> Report {
    run(subject, &Policy::default(), healthy::NOW)
}

/// Codes of the rules that did not like something, in the order of the register.
fn failing(report: &Report) -> Vec<&str> {
    let bad = [RuleState::Failed, RuleState::Warned, RuleState::NeedsReview];
    let results = report
        .results
        .iter()
        .filter(|result| bad.contains(&result.state));
    results.map(|result| result.code.as_str()).collect()
}

#[test]
fn a_healthy_offer_is_certified_without_a_person() {
    let report = report(&healthy::subject());
    assert_eq!(failing(&report), Vec::<&str>::new(), "{report:#?}");
    assert_eq!(report.verdict(), Verdict::Certified);
    assert_eq!(report.codes(RuleState::NotRun), Vec::<String>::new());
    // Host networking is the one thing that no healthy module has.
    assert_eq!(report.codes(RuleState::NotApplicable), ["DEF-14"]);
}

#[test]
fn codes_are_unique_sorted_and_told_apart() {
    let order = |code: &str| {
        ["LST", "IMG", "DEF", "RUN", "FTP"]
            .iter()
            .position(|prefix| code.starts_with(prefix))
    };
    let codes: Vec<(Option<usize>, &str)> = register()
        .iter()
        .map(|rule| (order(rule.code), rule.code))
        .collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for rule in register() {
        assert!(order(rule.code).is_some(), "{}", rule.code);
        for text in [rule.title, rule.why, rule.fix] {
            assert!(
                text.chars().count() > 20 && !text.contains("  "),
                "{}: {text}",
                rule.code
            );
        }
        assert!(
            rule.why.ends_with('.') && rule.fix.ends_with('.'),
            "{}",
            rule.code
        );
        assert!(!rule.sources.is_empty(), "{}", rule.code);
    }
}

#[test]
fn each_broken_offer_fails_exactly_the_rules_it_should() {
    let healthy = healthy::subject();
    let mut wrong = Vec::new();
    for (table, faults) in TABLES.iter().enumerate() {
        for (line, (expected, change)) in faults.iter().enumerate() {
            let mut broken = healthy.clone();
            change(&mut broken);
            let report = report(&broken);
            let found = failing(&report);
            if found != *expected {
                wrong.push(format!(
                    "table {}, line {}: expected {expected:?}, found {found:?}",
                    table + 1,
                    line + 1
                ));
            }
            every_failure_says_what_to_do(&report);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn every_failure_says_what_to_do(report: &Report) {
    for result in &report.results {
        for failure in result.failures() {
            let fix = failure.fix.as_deref().unwrap_or_default();
            assert!(!fix.is_empty(), "{} has no fix", result.code);
            assert!(
                !failure.evidence.is_empty(),
                "{} has no evidence",
                result.code
            );
        }
    }
}

#[test]
fn every_rule_has_an_offer_that_breaks_it() {
    let faults = TABLES.iter().copied().flatten();
    let broken: Vec<&str> = faults
        .flat_map(|(codes, _)| codes.iter().copied())
        .collect();
    for rule in register() {
        assert!(broken.contains(&rule.code), "{} is never broken", rule.code);
    }
}
