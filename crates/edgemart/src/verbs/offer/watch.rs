//! Watches a submission until somebody has to act, and tells each step on the way.

use std::io::IsTerminal as _;
use std::time::Duration;

use domain::ids::OfferKey;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::verbs::client::Client;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::{Table, items, plain, text};

/// First and longest pause between two looks.
const LOOK_MILLISECONDS_FIRST: u64 = 200;
const LOOK_MILLISECONDS_MAX: u64 = 2_000;
/// Looks in a row that may fail for the network's sake before we give up; the submission goes on without us.
const FAILED_LOOKS_MAX: u32 = 5;

/// A submission as the marketplace tells it now.
pub(super) async fn submission(client: &Client, id: &str) -> Result<Value, Failure> {
    Ok(client.get(&["submissions", id], &[]).await?.body)
}

/// The offer as its publisher's list tells it.
pub(super) async fn offer(client: &Client, key: &OfferKey) -> Result<Value, Failure> {
    let way = ["publishers", key.publisher.as_str(), "offers"];
    let mut cursor = String::new();
    loop {
        let mut query = vec![("limit".to_owned(), "100".to_owned())];
        if !cursor.is_empty() {
            query.push(("cursor".to_owned(), cursor.clone()));
        }
        let page = client.get(&way, &query).await?.body;
        if let Some(found) = items(&page, "/items")
            .iter()
            .find(|one| text(one, "/id") == key.to_string())
        {
            return Ok(found.clone());
        }
        cursor = text(&page, "/next");
        if cursor.is_empty() {
            return Err(
                Failure::new(Exit::NotFound, format!("there is no offer {key}"))
                    .fix("send its folder with `edgemart offer push DIR`"),
            );
        }
    }
}

/// The id of the offer's newest submission.
pub(super) async fn newest(client: &Client, key: &OfferKey) -> Result<String, Failure> {
    match text(&offer(client, key).await?, "/submission/id") {
        id if id.is_empty() => Err(Failure::new(
            Exit::NotFound,
            format!("{key} was never submitted"),
        )
        .fix(format!("submit it with `edgemart offer submit {key}`"))),
        id => Ok(id),
    }
}

/// Looks at a submission until it is in a state that `settled` accepts.
pub(super) async fn until(
    client: &Client,
    id: &str,
    settled: impl Fn(&str) -> bool,
) -> Result<Value, Failure> {
    let mut progress = Progress::new();
    let (mut pause, mut failed) = (LOOK_MILLISECONDS_FIRST, 0);
    loop {
        match submission(client, id).await {
            Ok(now) => {
                failed = 0;
                progress.show(&now);
                if settled(&text(&now, "/state")) {
                    progress.bar.finish_and_clear();
                    return Ok(now);
                }
            }
            Err(failure) if failure.exit == Exit::Network && failed < FAILED_LOOKS_MAX => {
                failed += 1;
            }
            Err(failure) => {
                return Err(failure.fix(format!(
                    "the submission goes on; look again later (id {id})"
                )));
            }
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        pause = (pause * 5 / 4).min(LOOK_MILLISECONDS_MAX);
    }
}

/// Steps that ended are lines; the one that runs is a spinner where somebody watches.
struct Progress {
    bar: ProgressBar,
    told: usize,
}

impl Progress {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, told: 0 }
    }

    fn show(&mut self, submission: &Value) {
        let steps = items(submission, "/steps");
        let ended = |step: &&Value| !text(step, "/ended_at").is_empty();
        for step in steps.iter().skip(self.told).take_while(ended) {
            self.told += 1;
            self.bar.suspend(|| tell(&line(step)));
        }
        self.bar
            .set_message(plain(&words(&text(submission, "/state"))));
    }
}

/// `importing     1.2 s  done`
fn line(step: &Value) -> String {
    let milliseconds = step
        .get("milliseconds")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let name = words(&text(step, "/step"));
    let mut told = format!(
        "  {name:<12} {:>8}  {}",
        web::format::duration(milliseconds),
        text(step, "/outcome")
    );
    let detail = text(step, "/detail");
    if !detail.is_empty() {
        told.push_str(&format!("  {detail}"));
    }
    told
}

/// A state's word as people say it.
pub(super) fn words(state: &str) -> String {
    state.replace('_', " ")
}

/// Shows a submission as data and says on stderr what to do next; an end that nobody wanted is a failure.
pub(super) fn conclude(global: &Global, submission: &Value) -> Result<(), Failure> {
    global.show(submission, || table(submission))?;
    let module = text(submission, "/module");
    match text(submission, "/state").as_str() {
        "preview" => {
            tell(&format!(
                "Certified. Sign off with `edgemart offer go-live {module}`."
            ));
            Ok(())
        }
        "in_review" => {
            tell(&format!(
                "A reviewer has to look at it; see `edgemart offer status {module}` later."
            ));
            Ok(())
        }
        "live" => {
            tell(&format!(
                "Live: {}",
                global
                    .url
                    .join(&format!("modules/{}", module.replacen('.', "/", 1)))
                    .map_or_else(|_| module.clone(), String::from)
            ));
            Ok(())
        }
        "rejected" => Err(rejected(&module, submission)),
        "cancelled" => Err(Failure::new(
            Exit::Conflict,
            format!("the submission of {module} was cancelled"),
        )
        .why(text(submission, "/failure"))
        .fix(format!(
            "submit again with `edgemart offer submit {module}`"
        ))),
        _ => Ok(()),
    }
}

fn table(submission: &Value) -> String {
    let mut table = Table::new(&["OFFER", "NUMBER", "STATE", "SUBMISSION"]);
    table.row([
        text(submission, "/module"),
        text(submission, "/number"),
        words(&text(submission, "/state")),
        text(submission, "/id"),
    ]);
    table.text()
}

/// Every rule that rejected, with place, evidence and fix.
fn rejected(module: &str, submission: &Value) -> Failure {
    let mut points = Vec::new();
    for result in items(submission, "/report/results")
        .iter()
        .filter(|one| text(one, "/state") == "failed")
    {
        let broken = |one: &&Value| text(one, "/state") == "failed" && one.get("waiver").is_none();
        for outcome in items(result, "/outcomes").iter().filter(broken) {
            let part = |name| text(outcome, name);
            let code = text(result, "/code");
            points.push(format!(
                "{code} {}: {}. {}",
                part("/place"),
                part("/evidence"),
                part("/fix")
            ));
        }
    }
    Failure::new(Exit::Invalid, format!("{module} was rejected"))
        .why(text(submission, "/failure"))
        .points(points)
        .fix(format!(
            "mend these and submit again with `edgemart offer submit {module}`"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rejection_names_every_failing_place() {
        let submission = json!({
            "module": "contoso.sensor", "state": "rejected", "failure": "2 rules failed",
            "report": {"results": [
                {"code": "IMG-06", "state": "failed", "outcomes": [
                    {"state": "failed", "place": "plan a, linux/arm64", "evidence": "runs as root", "fix": "Set USER."},
                    {"state": "failed", "place": "plan b", "evidence": "excused", "waiver": {"rule": "IMG-06"}},
                    {"state": "passed", "place": "plan c", "evidence": "fine"}]},
                {"code": "IMG-01", "state": "passed", "outcomes": []},
            ]},
        });
        let failure = rejected("contoso.sensor", &submission);
        assert_eq!(failure.exit, Exit::Invalid);
        let told = failure.lines_for_tests();
        assert!(
            told.contains("- IMG-06 plan a, linux/arm64: runs as root. Set USER.\n"),
            "{told}"
        );
        assert!(
            !told.contains("plan b") && !told.contains("plan c"),
            "{told}"
        );
    }

    #[test]
    fn a_step_is_a_line_with_its_time() {
        let step =
            json!({"step": "in_review", "milliseconds": 1234, "outcome": "done", "detail": ""});
        assert_eq!(line(&step), "  in review       1.2 s  done");
    }
}
