//! `edgemart offer lint`: the marketplace's own rules, rule for rule, without a network. Rules that look at images, links,
//! earlier releases and running modules are judged with `--run`; what is not judged says why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use app::folder::OfferFolder;
use certify::{LogoEvidence, Policy, Report, RuleState, State, Subject};
use clap::ValueEnum;
use domain::matrix::Matrix;
use domain::offer::LogoSlot;
use serde::Serialize;
use serde_json::json;

use super::folder::read;
use super::run::{RunOptions, Seen};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::{Format, plain, put};

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer lint my-offer\n  edgemart offer lint my-offer --run --image sensor:dev\n  edgemart offer lint . --format github    in a workflow: problems show on the change",
    after_help = "Exit code 0 when nothing blocks, 5 when something does, 3 when there is no offer.yaml.\n\nWith --run the image of each plan is read from its registry, with the sign-ins that Podman or Docker keep, and what is published already is asked of the marketplace (edgemart login)."
)]
pub(super) struct Lint {
    /// The offer's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// How problems are written; by default as -o says.
    #[arg(long)]
    format: Option<LintFormat>,
    #[command(flatten)]
    running: RunOptions,
}

/// How problems are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LintFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations of GitHub workflows.
    Github,
}

/// One thing to mend.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    rule: String,
    /// `failed`, `needs_review` or `warned`.
    state: RuleState,
    title: String,
    place: String,
    evidence: String,
    fix: String,
}

impl Lint {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let folder = read(&self.dir)?;
        let key = folder.offer.key();
        let host = global.registry_host();
        let seen = self.running.look(&folder.offer, global).await?;
        let looked = seen.is_some();
        let (report, rows) = check(folder, &host, seen);
        let blocked = rows
            .iter()
            .filter(|row| row.state == RuleState::Failed)
            .count();
        let found = json!({
            "ok": blocked == 0, "offer": key, "problems": rows,
            "passed": report.passed(), "applicable": report.applicable(),
            "not_run": report.codes(RuleState::NotRun), "results": report.results,
        });
        match (self.format, global.output) {
            (Some(LintFormat::Github), _) => put(&rows
                .iter()
                .map(|row| annotation(&self.dir, row))
                .collect::<String>())?,
            (Some(LintFormat::Json), _) => put(&format!("{found:#}\n"))?,
            (Some(LintFormat::Text), _) | (None, Format::Table) => {
                put(&rows.iter().map(told).collect::<String>())?;
            }
            (None, _) => global.show(&found, String::new)?,
        }
        let summary = format!(
            "{key}: passed {} of {} checks; {}.",
            report.passed(),
            report.applicable(),
            left(&report, looked)
        );
        tell(&summary);
        match blocked {
            0 => Ok(()),
            1 => Err(Failure::new(Exit::Invalid, "1 problem blocks this offer")
                .fix("mend what is listed as failed")),
            more => Err(
                Failure::new(Exit::Invalid, format!("{more} problems block this offer"))
                    .fix("mend what is listed as failed"),
            ),
        }
    }
}

/// What was not run, and how it is, or why it cannot be.
fn left(report: &Report, looked: bool) -> String {
    let not_run = report.codes(RuleState::NotRun);
    if !looked {
        return format!(
            "{} look at images, releases and running modules: --run does so, with a container engine",
            not_run.len()
        );
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let open = report
        .results
        .iter()
        .filter(|result| result.state == RuleState::NotRun);
    for result in open {
        let mut outcomes = result.outcomes.iter();
        if let Some(why) = outcomes.find(|outcome| outcome.state == State::NotRun) {
            reasons.entry(&why.evidence).or_default().push(&result.code);
        }
    }
    if reasons.is_empty() {
        return "every rule ran".to_owned();
    }
    let reasons = reasons.into_iter();
    let reasons = reasons.map(|(why, codes)| format!("not run: {} ({why})", codes.join(", ")));
    reasons.collect::<Vec<_>>().join("; ")
}

/// Runs the rules; the rows are what is not as it should be, worst first.
fn check(folder: OfferFolder, registry_host: &str, seen: Option<Seen>) -> (Report, Vec<Row>) {
    let known = seen.as_ref().and_then(|seen| seen.known.as_ref().ok());
    let policy = known.map_or_else(Policy::default, |known| known.policy.clone());
    let matrix = known.map_or_else(Matrix::default, |known| known.matrix.clone());
    let violations = domain::complete::check(&folder.offer, &matrix);
    let judged = |slot: LogoSlot| match folder.logos.get(&slot) {
        Some(bytes) => LogoEvidence::Judged(
            domain::logo::check(slot, bytes).map_err(|error| error.to_string()),
        ),
        None => LogoEvidence::Missing,
    };
    let logos = LogoSlot::ALL
        .into_iter()
        .map(|slot| (slot, judged(slot)))
        .collect();
    let mut subject = Subject::offline(folder.offer, matrix, registry_host);
    subject.logos = logos;
    if let Some(seen) = seen {
        saw(&mut subject, seen);
    }
    let now = jiff::Timestamp::now().as_microsecond();
    let report = certify::run(&subject, &policy, now);
    let mut rows = rows(&report);
    // The submission is refused for these before any rule runs, whichever rule would have said so.
    let told: BTreeSet<String> = rows.iter().map(|row| row.place.clone()).collect();
    let untold = violations
        .into_iter()
        .filter(|one| one.is_error() && !told.contains(&one.field));
    rows.extend(untold.map(|violation| {
        Row {
            rule: "LST-01".to_owned(),
            state: RuleState::Failed,
            title: certify::find("LST-01")
                .map_or("", |rule| rule.title)
                .to_owned(),
            place: violation.field,
            evidence: format!("{}; found {}", violation.limit, violation.found),
            fix: violation.fix,
        }
    }));
    rows.sort_by_key(|row| rank(row.state));
    (report, rows)
}

/// Puts what was seen before the rules.
fn saw(subject: &mut Subject, seen: Seen) {
    subject.imported = true;
    subject.plans = seen.plans;
    subject.links = seen.links;
    subject.behaviour = seen.behaviour;
    match seen.known {
        Ok(known) => {
            subject.unasked = None;
            subject.previous = known.releases;
            subject.first_sources = known.first_sources;
            subject.other_sources = known.other_sources;
        }
        Err(why) => subject.unasked = Some(why),
    }
}

fn rank(state: RuleState) -> u8 {
    match state {
        RuleState::Failed => 0,
        RuleState::NeedsReview => 1,
        _ => 2,
    }
}

fn rows(report: &Report) -> Vec<Row> {
    let open = |state| {
        matches!(
            state,
            RuleState::Failed | RuleState::NeedsReview | RuleState::Warned
        )
    };
    let mut rows = Vec::new();
    for result in report.results.iter().filter(|result| open(result.state)) {
        for outcome in result
            .outcomes
            .iter()
            .filter(|outcome| outcome.state == State::Failed)
        {
            rows.push(Row {
                rule: result.code.clone(),
                state: result.state,
                title: result.title.clone(),
                place: outcome.place.clone(),
                evidence: outcome.evidence.clone(),
                fix: outcome.fix.clone().unwrap_or_default(),
            });
        }
    }
    rows
}

fn word(state: RuleState) -> &'static str {
    match state {
        RuleState::Failed => "failed",
        RuleState::NeedsReview => "a reviewer decides",
        _ => "warning",
    }
}

fn told(row: &Row) -> String {
    plain(&format!(
        "{}  {}  {}\n        {}\n        fix: {}\n",
        row.rule,
        word(row.state),
        row.place,
        row.evidence,
        row.fix
    ))
}

/// A workflow command; what separates its parts is escaped.
fn annotation(dir: &Path, row: &Row) -> String {
    let escape = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let level = if row.state == RuleState::Failed {
        "error"
    } else {
        "warning"
    };
    let file = match row.place.as_str() {
        "listing.description" => "description.html",
        place if place.starts_with("certify.") => "certify.yaml",
        _ => "offer.yaml",
    };
    let file = dir.join(file).display().to_string();
    format!(
        "::{level} file={},title={}::{}\n",
        property(file.trim_start_matches("./")),
        property(&format!("{} {}", row.rule, row.title)),
        escape(&plain(&format!(
            "{}: {}. {}",
            row.place, row.evidence, row.fix
        )))
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::offer::Offer;

    use super::*;

    fn empty() -> OfferFolder {
        OfferFolder {
            offer: Offer::empty(&"contoso.sensor".parse().unwrap()),
            logos: BTreeMap::from([(LogoSlot::Small, b"GIF89a".to_vec())]),
        }
    }

    #[test]
    fn whatever_would_refuse_a_submission_is_told_here() {
        let (_, rows) = check(empty(), "127.0.0.1:8080", None);
        let places: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.state == RuleState::Failed)
            .map(|row| row.place.as_str())
            .collect();
        for violation in domain::complete::check(&empty().offer, &Matrix::default()) {
            if violation.is_error() {
                assert!(
                    places.contains(violation.field.as_str()),
                    "{violation} is missing in {places:?}"
                );
            }
        }
        let logo = rows
            .iter()
            .find(|row| row.place == "listing.logos.small")
            .unwrap();
        assert_eq!(logo.rule, "LST-02");
        assert!(logo.evidence.contains("PNG"), "{}", logo.evidence);
        assert!(rows.iter().all(|row| !row.fix.is_empty()));
        assert!(rows.is_sorted_by_key(|row| rank(row.state)));
    }

    #[test]
    fn annotations_cannot_be_broken_out_of() {
        let row = Row {
            rule: "LST-01".into(),
            state: RuleState::Failed,
            title: "a, b: c".into(),
            place: "listing.description".into(),
            evidence: "x\n::error::y 100%".into(),
            fix: "z".into(),
        };
        assert_eq!(
            annotation(Path::new("./o"), &row),
            "::error file=o/description.html,title=LST-01 a%2C b%3A c::listing.description: x%0A::error::y 100%25. z\n"
        );
    }
}
