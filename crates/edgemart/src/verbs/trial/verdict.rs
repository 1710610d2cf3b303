//! What the rules say of a module that ran: the rules of the marketplace, with the same words.

use certify::behaviour::{Behaviour, Expected, Observed, Trial};
use certify::{Policy, Report, RuleResult, RuleState, State, Subject, Verdict};
use domain::matrix::Matrix;
use domain::offer::Offer;
use serde_json::json;

use super::super::failure::{Exit, Failure, tell};
use super::super::output::{Format, Table, plain, put};

/// Runs the rules on running modules; the others have nothing to look at here.
pub(super) fn judge(
    place: String,
    expected: Expected,
    observed: Observed,
) -> Result<Report, Failure> {
    // The rules look at an offer; a module that is only tried belongs to none.
    let key = "local.module"
        .parse()
        .map_err(|e: domain::ids::OfferKeyError| {
            Failure::new(Exit::Failure, "the rules cannot be run").why(e)
        })?;
    let mut subject = Subject::offline(Offer::empty(&key), Matrix::default(), "localhost");
    subject.behaviour = Behaviour::Tried(vec![Trial {
        place,
        expected,
        observed: Ok(Box::new(observed)),
    }]);
    let now = jiff::Timestamp::now().as_microsecond();
    let mut report = certify::run(&subject, &Policy::default(), now);
    report
        .results
        .retain(|result| result.code.starts_with("RUN") || result.code.starts_with("FTP"));
    Ok(report)
}

/// Shows the verdict; an error when a rule that blocks failed.
pub(super) fn show(report: &Report, format: Format) -> Result<(), Failure> {
    tell_of(report, format)?;
    match report.verdict() {
        Verdict::Blocked(codes) => {
            let what = format!("the module would be rejected for {}", codes.join(", "));
            Err(Failure::new(Exit::Invalid, what).fix("mend what is listed as failed"))
        }
        Verdict::NeedsReview(codes) => {
            tell(&format!(
                "The marketplace would ask a reviewer to decide {}.",
                codes.join(", ")
            ));
            Ok(())
        }
        Verdict::Certified => Ok(()),
    }
}

/// Shows the verdict.
pub(super) fn tell_of(report: &Report, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => put(&table(report))?,
        Format::Json | Format::Yaml => {
            let line = json!({
                "event": "verdict", "passed": report.passed(), "applicable": report.applicable(),
                "results": report.results,
            });
            put(&format!("{line}\n"))?;
        }
    }
    tell(&summary(report));
    Ok(())
}

/// `passed 18 of 20 checks (1 warning, 1 not reached)`.
fn summary(report: &Report) -> String {
    let apart = [
        (RuleState::Warned, "warned"),
        (RuleState::NeedsReview, "for a reviewer"),
        (RuleState::NotApplicable, "not applicable"),
        (RuleState::NotReached, "not reached"),
        (RuleState::NotRun, "not run"),
    ];
    let apart: Vec<String> = apart
        .into_iter()
        .map(|(state, word)| (report.count(state), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let apart = match apart.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    let (passed, applicable) = (report.passed(), report.applicable());
    format!("passed {passed} of {applicable} checks{apart}")
}

fn table(report: &Report) -> String {
    let mut table = Table::new(&["RULE", "VERDICT", "WHAT WAS SEEN"]);
    for result in &report.results {
        let seen = result.outcomes.first();
        let evidence = seen
            .map(|finding| finding.evidence.as_str())
            .unwrap_or_default();
        table.row(vec![
            result.code.clone(),
            word(result.state).to_owned(),
            plain(evidence),
        ]);
    }
    let mut text = format!("\n{}", table.text());
    for result in report.results.iter().filter(|result| is_broken(result)) {
        let fixes = result
            .outcomes
            .iter()
            .filter(|one| one.state == State::Failed);
        for fix in fixes.filter_map(|one| one.fix.as_deref()) {
            text.push_str(&format!("{}: {}. {fix}\n", result.code, result.title));
        }
    }
    text
}

fn is_broken(result: &RuleResult) -> bool {
    matches!(
        result.state,
        RuleState::Failed | RuleState::Warned | RuleState::NeedsReview
    )
}

fn word(state: RuleState) -> &'static str {
    match state {
        RuleState::Passed => "passed",
        RuleState::Failed => "failed",
        RuleState::Warned => "warning",
        RuleState::NeedsReview => "review",
        RuleState::Waived => "waived",
        RuleState::NotApplicable => "not applicable",
        RuleState::NotReached => "not reached",
        RuleState::NotRun => "not run",
    }
}
