//! A certification report as rows: what failed first, every place of it with its evidence.

use certify::report::Finding;
use certify::{Report, RuleResult, RuleState, State};

use crate::certification::plain;
use crate::format::moment;

/// One place that a rule looked at.
pub(crate) struct Spot {
    pub(crate) kind: &'static str,
    pub(crate) place: String,
    pub(crate) evidence: String,
    pub(crate) fix: String,
    pub(crate) waiver: String,
}

/// One rule.
pub(crate) struct CheckRow {
    pub(crate) kind: &'static str,
    pub(crate) code: String,
    pub(crate) title: String,
    /// The most telling evidence, in one line.
    pub(crate) evidence: String,
    pub(crate) reason: String,
    pub(crate) fix: String,
    pub(crate) open: bool,
    pub(crate) waivable: bool,
    pub(crate) spots: Vec<Spot>,
}

/// The report, ready to be shown.
pub(crate) struct Checks {
    pub(crate) rows: Vec<CheckRow>,
    pub(crate) passed: u32,
    pub(crate) total: u32,
    pub(crate) failed: u32,
    pub(crate) warnings: u32,
    pub(crate) waived: u32,
    pub(crate) review: u32,
    pub(crate) not_applicable: u32,
    pub(crate) not_reached: u32,
    pub(crate) not_run: u32,
    pub(crate) date: String,
    pub(crate) policy: String,
    /// The digest of the first plan.
    pub(crate) digest: String,
    /// The digests of the other plans.
    pub(crate) others: Vec<(String, String)>,
}

/// Worst first.
fn kind(state: RuleState) -> (u8, &'static str) {
    match state {
        RuleState::Failed => (0, "fail"),
        RuleState::NeedsReview => (1, "review"),
        RuleState::Warned => (2, "warn"),
        RuleState::Waived => (3, "waived"),
        RuleState::Passed => (4, "pass"),
        RuleState::NotReached => (5, "notreached"),
        RuleState::NotRun => (6, "notrun"),
        RuleState::NotApplicable => (7, "na"),
    }
}

fn spot(finding: &Finding, failing: &'static str) -> Spot {
    Spot {
        kind: match (&finding.waiver, finding.state) {
            (Some(_), _) => "waived",
            (None, State::Passed) => "pass",
            (None, State::Failed) => failing,
            (None, State::NotApplicable) => "na",
            (None, State::NotRun) => "notrun",
            (None, State::NotReached) => "notreached",
        },
        place: finding.place.clone(),
        evidence: finding.evidence.clone(),
        fix: finding.fix.clone().unwrap_or_default(),
        waiver: finding
            .waiver
            .as_ref()
            .map(|w| format!("{}: {}", w.by, w.reason))
            .unwrap_or_default(),
    }
}

fn row(result: &RuleResult) -> CheckRow {
    let (_, kind) = kind(result.state);
    let failing = if matches!(kind, "fail" | "review" | "warn") {
        kind
    } else {
        "fail"
    };
    let mut spots: Vec<Spot> = result
        .outcomes
        .iter()
        .map(|finding| spot(finding, failing))
        .collect();
    // What speaks for the rule's judgement comes first; the order is otherwise kept.
    spots.sort_by_key(|spot| spot.kind != kind);
    let told = spots.first();
    let broken = matches!(kind, "fail" | "review" | "warn");
    let rule = result.rule();
    CheckRow {
        kind,
        code: result.code.clone(),
        title: plain(&result.title),
        evidence: told.map(|spot| spot.evidence.clone()).unwrap_or_default(),
        reason: rule.map(|rule| plain(rule.why)).unwrap_or_default(),
        fix: if broken {
            told.map(|spot| spot.fix.clone()).unwrap_or_default()
        } else {
            String::new()
        },
        open: kind == "fail",
        waivable: rule.is_some_and(|rule| rule.waivable),
        spots,
    }
}

/// Reads the report kept with a submission; `None` when there is none yet, or one of a shape this build cannot read.
pub(crate) fn checks(report: Option<&serde_json::Value>) -> Option<Checks> {
    let report: Report = serde_json::from_value(report?.clone()).ok()?;
    let mut results: Vec<&RuleResult> = report.results.iter().collect();
    results.sort_by_key(|result| kind(result.state).0);
    let count = |state| u32::try_from(report.count(state)).unwrap_or(u32::MAX);
    let mut digests = report
        .digests
        .iter()
        .map(|(plan, digest)| (plan.clone(), digest.to_string()));
    Some(Checks {
        rows: results.into_iter().map(row).collect(),
        passed: u32::try_from(report.passed()).unwrap_or(u32::MAX),
        total: u32::try_from(report.applicable()).unwrap_or(u32::MAX),
        failed: count(RuleState::Failed),
        warnings: count(RuleState::Warned),
        waived: count(RuleState::Waived),
        review: count(RuleState::NeedsReview),
        not_applicable: count(RuleState::NotApplicable),
        not_reached: count(RuleState::NotReached),
        not_run: count(RuleState::NotRun),
        date: moment(report.checked_at),
        policy: report.policy_version.clone(),
        digest: digests.next().map(|(_, digest)| digest).unwrap_or_default(),
        others: digests.collect(),
    })
}
