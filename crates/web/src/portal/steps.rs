//! The steps of a submission for the step bar: state, how long each took, how long it usually takes, and the reason
//! right at the step that failed.

use domain::lifecycle::State;
use store::steps::StepRow;
use store::submissions::Submission;

use crate::format::duration;
use crate::messages::{t, t3, tn, word};
use crate::pieces::Step;
use crate::problem::Problem;
use crate::state::Web;

/// The way, in order.
const WAY: [State; 7] = [
    State::Submitted,
    State::Importing,
    State::Certifying,
    State::InReview,
    State::Preview,
    State::Publishing,
    State::Live,
];
/// Earlier submissions of the offer that "usually" is made of.
const EARLIER_MAX: usize = 5;

/// What a step wrote down.
pub(crate) struct Log {
    pub(crate) name: String,
    pub(crate) text: String,
}

fn milliseconds(micros: i64) -> u64 {
    u64::try_from(micros / 1000).unwrap_or_default()
}

fn state_of(
    row: Option<&StepRow>,
    at: usize,
    submission: &Submission,
    rows: &[StepRow],
) -> &'static str {
    let Some(row) = row else {
        let done = matches!(submission.state, State::Live | State::Superseded);
        if WAY[at] == State::Live && done {
            return "done";
        }
        let later = WAY
            .iter()
            .skip(at + 1)
            .any(|state| rows.iter().any(|row| row.step == state.as_str()));
        let over = matches!(submission.state, State::Rejected | State::Cancelled);
        return match (later || done, over) {
            (true, _) => "skipped",
            (false, true) => "not_reached",
            (false, false) => "waiting",
        };
    };
    match (row.ended_at, row.outcome.as_deref()) {
        (None, _) => "current",
        (Some(_), Some("rejected" | "cancelled" | "undone")) => "failed",
        (Some(_), _) => "done",
    }
}

fn reason(row: Option<&StepRow>, state: &str, submission: &Submission) -> String {
    match (state, row) {
        ("failed", Some(row)) => submission
            .failure
            .clone()
            .filter(|_| row.outcome.as_deref() == Some("rejected"))
            .unwrap_or_else(|| row.detail.clone()),
        ("current", Some(row)) if row.step == State::InReview.as_str() => {
            t("submission.waits_reviewer").to_owned()
        }
        ("current", Some(row)) if row.step == State::Preview.as_str() => {
            t("submission.waits_you").to_owned()
        }
        _ => String::new(),
    }
}

/// The median of what a step took in earlier submissions; nothing when there were none.
fn usually(step: &str, earlier: &[Vec<StepRow>]) -> String {
    let mut took: Vec<i64> = earlier
        .iter()
        .flatten()
        .filter(|row| row.step == step && row.outcome.as_deref() == Some("done"))
        .filter_map(|row| Some(row.ended_at? - row.started_at))
        .collect();
    took.sort_unstable();
    // What people wait for each other says nothing about the next time.
    let by_people = [State::InReview, State::Preview]
        .iter()
        .any(|state| state.as_str() == step);
    match took.get(took.len() / 2) {
        Some(middle) if !by_people => duration(milliseconds(*middle)),
        _ => String::new(),
    }
}

/// Reviews that "how long a review takes" is made of.
const REVIEWS_MAX: u64 = 50;

/// How long reviews took here, as a sentence with its figures; empty until there was one.
pub(crate) async fn review_time(web: &Web) -> Result<String, Problem> {
    let step = State::InReview.as_str();
    let decided = ["done", "rejected"];
    let past = store::steps::recent(&web.app.reader, step, &decided, REVIEWS_MAX).await?;
    let mut took: Vec<i64> = past
        .iter()
        .filter_map(|row| Some(row.ended_at? - row.started_at))
        .collect();
    took.sort_unstable();
    let (Some(middle), Some(longest)) = (took.get(took.len() / 2), took.last()) else {
        return Ok(String::new());
    };
    let words = |micros: &i64| duration(milliseconds(*micros));
    Ok(t3(
        "submission.review_time",
        words(middle),
        words(longest),
        tn("submission.reviews", took.len()),
    ))
}

/// The step bar of a submission, and the logs of its steps.
pub(crate) async fn steps(
    web: &Web,
    submission: &Submission,
) -> Result<(Vec<Step>, Vec<Log>), Problem> {
    let (reader, now) = (&web.app.reader, web.app.clock.now());
    let rows = store::steps::of_submission(reader, &submission.id).await?;
    let mut earlier = Vec::new();
    let others = store::submissions::of_offer(reader, &submission.key).await?;
    for other in others
        .iter()
        .filter(|other| other.number < submission.number)
        .take(EARLIER_MAX)
    {
        earlier.push(store::steps::of_submission(reader, &other.id).await?);
    }
    let bar = WAY.iter().enumerate().map(|(at, step)| {
        let row = rows.iter().find(|row| row.step == step.as_str());
        let state = state_of(row, at, submission, &rows);
        Step {
            name: word("submission_step", step.as_str()).into_owned(),
            state: state.to_owned(),
            duration: row.map_or_else(String::new, |row| {
                duration(milliseconds(row.ended_at.unwrap_or(now) - row.started_at))
            }),
            expected: if matches!(state, "waiting" | "current") {
                usually(step.as_str(), &earlier)
            } else {
                String::new()
            },
            reason: reason(row, state, submission),
        }
    });
    let bar = bar.collect();
    let logs = rows
        .iter()
        .filter(|row| !row.log.is_empty())
        .map(|row| Log {
            name: word("submission_step", &row.step).into_owned(),
            text: row.log.clone(),
        });
    Ok((bar, logs.collect()))
}
