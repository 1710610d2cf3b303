//! `edgemart offer status`: where an offer stands, with the steps of its newest submission.

use domain::ids::OfferKey;
use serde_json::{Value, json};

use super::watch::{offer, submission, words};
use crate::verbs::context::Global;
use crate::verbs::failure::Failure;
use crate::verbs::output::{Table, items, plain, text};

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart offer status contoso.temperature-sensor")]
pub(super) struct Status {
    /// The offer, as `publisher.offer`.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
}

impl Status {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let found = offer(&client, &self.key).await?;
        let newest = match text(&found, "/submission/id") {
            id if id.is_empty() => Value::Null,
            id => submission(&client, &id).await?,
        };
        global.show(&json!({"offer": found, "submission": newest}), || {
            told(&found, &newest)
        })
    }
}

fn told(offer: &Value, submission: &Value) -> String {
    let mut told = format!(
        "{}  {}  ({})\n",
        text(offer, "/id"),
        text(offer, "/title"),
        text(offer, "/state")
    );
    if submission.is_null() {
        told.push_str("never submitted\n");
        return plain(&told);
    }
    told.push_str(&format!(
        "submission {}: {}\n",
        text(submission, "/number"),
        words(&text(submission, "/state"))
    ));
    let failure = text(submission, "/failure");
    if !failure.is_empty() {
        told.push_str(&format!("because: {failure}\n"));
    }
    let mut table = Table::new(&["STEP", "TOOK", "OUTCOME", "DETAIL"]);
    for step in items(submission, "/steps") {
        let milliseconds = step
            .get("milliseconds")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let outcome = match text(step, "/outcome") {
            outcome if outcome.is_empty() => "now".to_owned(),
            outcome => outcome,
        };
        let took = web::format::duration(milliseconds);
        table.row([
            words(&text(step, "/step")),
            took,
            outcome,
            text(step, "/detail"),
        ]);
    }
    told.push_str(&table.text());
    plain(&told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_told_and_the_running_one_is_marked() {
        let offer = json!({"id": "contoso.sensor", "title": "Sensor", "state": "draft"});
        let submission = json!({"number": 2, "state": "importing", "failure": null, "steps": [
            {"step": "submitted", "milliseconds": 40, "outcome": "done", "detail": ""},
            {"step": "importing", "milliseconds": 3000, "outcome": null, "detail": ""},
        ]});
        let told = told(&offer, &submission);
        assert!(
            told.starts_with("contoso.sensor  Sensor  (draft)\nsubmission 2: importing\n"),
            "{told}"
        );
        assert!(told.contains("importing  3.0 s  now\n"), "{told}");
        assert!(super::told(&offer, &Value::Null).contains("never submitted"));
    }
}
