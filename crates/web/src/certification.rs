//! A certification report as pages show it: the counts, then one row a rule, what needs attention first.
//! Left out: judging; that is `certify`'s.

use certify::{Report, RuleResult, RuleState, State};

use crate::format;
use crate::messages::{t1, t2, tn};

/// A report, ready for `pieces/check.html`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportView {
    pub(crate) passed: u32,
    pub(crate) total: u32,
    pub(crate) moment: String,
    pub(crate) digest: String,
    pub(crate) policy: String,
    pub(crate) failed: u32,
    pub(crate) warnings: u32,
    pub(crate) waived: u32,
    pub(crate) not_applicable: u32,
    pub(crate) not_reached: u32,
    pub(crate) not_run: u32,
    pub(crate) rows: Vec<CheckRow>,
}

/// One rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckRow {
    pub(crate) kind: &'static str,
    pub(crate) code: String,
    pub(crate) what: String,
    pub(crate) evidence: String,
    pub(crate) reason: String,
    pub(crate) fix: String,
    /// Every place, when there is more than one.
    pub(crate) places: Vec<(String, String)>,
}

impl ReportView {
    /// The report as it applies to one image.
    pub(crate) fn of(report: &Report, digest: &str) -> Self {
        let count = |state: RuleState| u32::try_from(report.count(state)).unwrap_or(u32::MAX);
        let mut rows: Vec<(u8, CheckRow)> = report.results.iter().map(row).collect();
        rows.sort_by_key(|(order, _)| *order);
        Self {
            passed: count(RuleState::Passed),
            total: u32::try_from(report.applicable()).unwrap_or(u32::MAX),
            moment: format::moment(report.checked_at),
            digest: digest.to_owned(),
            policy: report.policy_version.clone(),
            failed: count(RuleState::Failed),
            warnings: count(RuleState::Warned),
            waived: count(RuleState::Waived),
            not_applicable: count(RuleState::NotApplicable),
            not_reached: count(RuleState::NotReached),
            not_run: count(RuleState::NotRun),
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }
}

/// How a state is called in templates, and where its rows stand.
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

fn row(result: &RuleResult) -> (u8, CheckRow) {
    let (order, kind) = kind(result.state);
    // The outcome that decided comes first.
    let decisive = result
        .failures()
        .next()
        .or_else(|| result.outcomes.iter().find(|o| o.state == State::Failed))
        .or_else(|| result.outcomes.first());
    let more = result.outcomes.len().saturating_sub(1);
    let evidence = decisive.map(|o| o.evidence.clone()).unwrap_or_default();
    let waiver = decisive.and_then(|o| o.waiver.as_ref());
    let reason = match waiver {
        Some(waiver) => t2("check.waived_by", &waiver.by, &waiver.reason),
        None => result
            .rule()
            .map(|rule| plain(rule.why))
            .unwrap_or_default(),
    };
    let row = CheckRow {
        kind,
        code: result.code.clone(),
        what: plain(&result.title),
        evidence: if more > 0 {
            t2("check.and_more", &evidence, more)
        } else {
            evidence
        },
        reason,
        fix: decisive.and_then(|o| o.fix.clone()).unwrap_or_default(),
        places: if more > 0 {
            result
                .outcomes
                .iter()
                .map(|o| (o.place.clone(), o.evidence.clone()))
                .collect()
        } else {
            Vec::new()
        },
    };
    (order, row)
}

/// A rule's title without the marks that set code in documents.
pub(crate) fn plain(title: &str) -> String {
    title.replace('`', "")
}

/// "passed 31 of 31", for tiles.
pub(crate) fn passed_of(report: &Report) -> String {
    t2("module.passed", report.passed(), report.applicable())
}

/// The day of a report, for tiles.
pub(crate) fn checked_on(report: &Report) -> String {
    let day = t1("check.on_day", format::day(report.checked_at));
    match report.waived() {
        0 => day,
        waived => t2("check.and_apart", day, tn("check.waived", waived)),
    }
}
