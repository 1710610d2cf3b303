//! `edgemart admin review`: the queue of what machines cannot decide, and a reviewer's verdict.

use serde_json::{Value, json};

use crate::verbs::context::Global;
use crate::verbs::failure::{Failure, tell};
use crate::verbs::output::{Table, items, joined, text};

#[derive(Debug, clap::Args)]
pub(super) struct Review {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List what waits for a person, oldest first.
    List(List),
    /// Every open question is fine: the submission goes to preview.
    Approve(Approve),
    /// Not like this, by numbered rules.
    Reject(Reject),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin review list")]
struct List {}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin review approve 0199a1b2-0000-7000-8000-000000000000"
)]
struct Approve {
    /// Id of the submission.
    submission: String,
    /// A word to the publisher.
    #[arg(long, default_value = "")]
    comment: String,
}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin review reject 0199a1b2-0000-7000-8000-000000000000 --rule LST-10 --comment 'Say what is specific to the edge.'"
)]
struct Reject {
    /// Id of the submission.
    submission: String,
    /// Code of the rule that is broken; may be repeated.
    #[arg(long, required = true)]
    rule: Vec<String>,
    /// What the publisher should change.
    #[arg(long)]
    comment: String,
}

impl Review {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let (id, body, done) = match self.verb {
            Verb::List(List {}) => {
                let query = [("limit".to_owned(), "100".to_owned())];
                let queue = client.get(&["review"], &query).await?.body;
                if items(&queue, "/items").is_empty() {
                    tell("Nothing waits for a reviewer.");
                }
                return global.show(&queue, || table(&queue));
            }
            Verb::Approve(asked) => (
                asked.submission,
                json!({"verdict": "approve", "comment": asked.comment}),
                "approved",
            ),
            Verb::Reject(asked) => {
                let rules: Vec<String> =
                    asked.rule.iter().map(|code| code.to_uppercase()).collect();
                (
                    asked.submission,
                    json!({"verdict": "reject", "rules": rules, "comment": asked.comment}),
                    "rejected",
                )
            }
        };
        client.post(&["review", &id], &body).await?;
        tell(&format!("{id}: {done}"));
        Ok(())
    }
}

fn table(queue: &Value) -> String {
    let rows = items(queue, "/items");
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "SUBMISSION",
        "OFFER",
        "NUMBER",
        "WAITING SINCE",
        "RULES",
        "TITLE",
    ]);
    for one in rows {
        table.row([
            text(one, "/id"),
            text(one, "/module"),
            text(one, "/number"),
            text(one, "/waiting_since"),
            joined(one, "/open", ", "),
            text(one, "/title"),
        ]);
    }
    table.text()
}
