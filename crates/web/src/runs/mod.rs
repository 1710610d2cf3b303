//! What was seen of modules that ran, as pages show it: one section for each platform, with the sentence of the verdict,
//! the figures, a chart of the run, and its event log to take away. What was not run says so.
//! Left out: judging, which is `certify`'s, and choosing which runs speak about a page.

mod chart;
mod figures;
mod log;

pub(crate) use log::download;

use domain::release::ReleasePlatform;
use store::Reader;
use store::runs::{Run, Summary};

use crate::format;
use crate::messages::{t, t1, t2, t3};
use crate::pieces::Fact;
use crate::problem::Problem;
use chart::Chart;

/// A run, ready for `pieces/run.html`.
pub(crate) struct RunView {
    /// `linux/arm64`, or with the plan before it.
    pub(crate) place: String,
    /// `pass`, `fail` or `notrun`.
    pub(crate) kind: &'static str,
    /// "Passed 22 of 22 on DATE", or why it was not run.
    pub(crate) verdict: String,
    /// The image.
    pub(crate) digest: String,
    /// What ran it.
    pub(crate) environment: String,
    /// What is wrong now, when a night found it.
    pub(crate) broken: String,
    pub(crate) facts: Vec<Fact>,
    /// createOptions that it was not given.
    pub(crate) left_out: String,
    pub(crate) chart: Option<Chart>,
    /// Address of the event log; empty when there is none.
    pub(crate) log: String,
    pub(crate) log_size: String,
}

impl RunView {
    /// A run whose event log lies below an address.
    pub(crate) fn of(run: &Run, place: String, base: &str) -> Self {
        let summary = &run.summary;
        let when = format::moment(summary.began_at);
        let emulated = if summary.emulated {
            t("run.emulated_in")
        } else {
            t("run.in")
        };
        let shared = Self {
            place,
            kind: "notrun",
            verdict: String::new(),
            digest: summary.digest.to_string(),
            environment: fill(emulated, &summary.environment, &summary.engine),
            broken: String::new(),
            facts: Vec::new(),
            left_out: run.left_out.join(", "),
            chart: None,
            log: String::new(),
            log_size: String::new(),
        };
        let observed = match &run.observed {
            Ok(observed) => observed,
            Err(why) => {
                return Self {
                    verdict: t2("run.not_run_on", when, why),
                    ..shared
                };
            }
        };
        let log = summary.log.as_ref();
        Self {
            kind: if summary.broken.is_empty() {
                "pass"
            } else {
                "fail"
            },
            verdict: if summary.nightly {
                t3("run.night_passed", summary.passed, summary.applicable, when)
            } else {
                t3("run.passed", summary.passed, summary.applicable, when)
            },
            broken: summary.broken.join(", "),
            facts: figures::of(observed),
            chart: Chart::of(&observed.timeline, &summary.id),
            log: log.map_or_else(String::new, |_| format!("{base}/{}/log", summary.id)),
            log_size: log.map_or_else(String::new, |log| format::bytes(log.bytes)),
            ..shared
        }
    }

    /// A platform of which nothing is known.
    fn unknown(place: String, digest: String) -> Self {
        Self {
            place,
            kind: "notrun",
            verdict: t("run.never").to_owned(),
            digest,
            environment: String::new(),
            broken: String::new(),
            facts: Vec::new(),
            left_out: String::new(),
            chart: None,
            log: String::new(),
            log_size: String::new(),
        }
    }
}

fn fill(text: &str, environment: &str, engine: &str) -> String {
    text.replace("{0}", environment).replace("{1}", engine)
}

/// The newest run of each image among the given ones, which are newest first; those of nights that could not run it leave
/// the word to the one before.
pub(crate) fn newest<'a>(
    runs: &'a [Summary],
    platforms: &[ReleasePlatform],
    plan: &str,
) -> Vec<Option<&'a Summary>> {
    let of = |image: &ReleasePlatform| {
        runs.iter()
            .find(|run| run.plan.as_str() == plan && run.digest == image.digest)
    };
    platforms.iter().map(of).collect()
}

/// The runs of a release's images, one view for each platform; none when none was run.
pub(crate) async fn of_release(
    reader: &Reader,
    submissions: &[&str],
    plan: &str,
    platforms: &[ReleasePlatform],
    base: &str,
) -> Result<Vec<RunView>, Problem> {
    let mut summaries = Vec::new();
    for submission in submissions {
        summaries.extend(store::runs::summaries(reader, submission).await?);
    }
    summaries.sort_by_key(|run| std::cmp::Reverse(run.began_at));
    let newest = newest(&summaries, platforms, plan);
    let mut views = Vec::new();
    if newest.iter().all(Option::is_none) {
        return Ok(views);
    }
    for (image, run) in platforms.iter().zip(newest) {
        let place = image.platform.to_string();
        let run = match run {
            Some(summary) => store::runs::find(reader, &summary.id).await?,
            None => None,
        };
        views.push(match run {
            Some(run) => RunView::of(&run, place, base),
            None => RunView::unknown(place, image.digest.to_string()),
        });
    }
    Ok(views)
}

/// The runs that certified a submission, each with its plan.
pub(crate) async fn of_submission(
    reader: &Reader,
    submission: &str,
    base: &str,
) -> Result<Vec<RunView>, Problem> {
    let runs = store::runs::certifying(reader, submission).await?;
    Ok(runs
        .iter()
        .map(|run| {
            let place = t2("run.place", &run.summary.plan, &run.summary.platform);
            RunView::of(run, place, base)
        })
        .collect())
}

/// `21 MB at most, 20 MB at the end (linux/amd64)`, of the first platform that was measured; for lists of facts.
pub(crate) fn memory_line(runs: &[Summary]) -> Option<String> {
    let run = runs.iter().find(|run| run.footprint.is_some())?;
    let footprint = run.footprint?;
    let peak = format::memory(footprint.memory_peak_bytes);
    let steady = format::memory(footprint.memory_steady_bytes);
    Some(t3("run.memory_line", peak, steady, &run.platform))
}

/// One sentence of a night that found something broken, for a notice; `None` when all is well.
pub(crate) fn broken_line(runs: &[Summary]) -> Option<String> {
    let run = runs
        .iter()
        .find(|run| run.nightly && !run.broken.is_empty())?;
    let place = t2("run.place", &run.plan, &run.platform);
    let when = format::moment(run.began_at);
    Some(t1("run.broke_on", when) + " " + &t2("run.broke", place, run.broken.join(", ")))
}
