//! `edgemart admin takedown`, `takedowns` and `lift`: the operator takes a module or one version off the marketplace, with
//! a reason that everyone reads, and undoes it.

use domain::ids::{OfferKey, PlanName};
use domain::tag::Version;
use serde_json::{Value, json};

use crate::verbs::context::Global;
use crate::verbs::failure::{Failure, tell};
use crate::verbs::output::{Table, items, text};

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin takedown contoso.temperature-sensor --plan standard --version 1.2.0 --reason 'Its image holds a leaked key.'"
)]
pub(super) struct Takedown {
    /// The module, as `publisher.offer`.
    #[arg(value_name = "MODULE")]
    key: OfferKey,
    /// With --version: one release alone. Without both: the whole module.
    #[arg(long, requires = "version")]
    plan: Option<PlanName>,
    /// The version, X.Y.Z.
    #[arg(long, requires = "plan")]
    version: Option<Version>,
    /// Why; everyone reads it, devices that pull included.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin takedowns")]
pub(super) struct Takedowns {}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin lift 0199a1b2-0000-7000-8000-000000000000 --reason 'The key was revoked.'"
)]
pub(super) struct Lift {
    /// Id of the takedown; `edgemart admin takedowns` lists them.
    takedown: String,
    /// Why; kept with the takedown.
    #[arg(long)]
    reason: String,
}

impl Takedown {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut body = json!({"module": self.key, "reason": self.reason});
        if let (Some(plan), Some(version)) = (&self.plan, &self.version) {
            body["plan"] = json!(plan);
            body["version"] = json!(version.to_string());
        }
        let made = global.signed_in()?.post(&["takedowns"], &body).await?.body;
        global.show(&made, || format!("{}\n", text(&made, "/id")))?;
        tell(&format!(
            "{}: taken down; it can be lifted until {}",
            self.key,
            text(&made, "/purge_at")
        ));
        Ok(())
    }
}

impl Takedowns {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let list = global.signed_in()?.get(&["takedowns"], &[]).await?.body;
        if items(&list, "/items").is_empty() {
            tell("Nothing was taken down.");
        }
        global.show(&list, || table(&list))
    }
}

fn table(list: &Value) -> String {
    let rows = items(list, "/items");
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["TAKEDOWN", "MODULE", "RELEASE", "SINCE", "STATE", "REASON"]);
    for one in rows {
        let release = format!("{} {}", text(one, "/plan"), text(one, "/version"));
        let state = match (text(one, "/lifted_at"), text(one, "/purged_at")) {
            (lifted, _) if !lifted.is_empty() => "lifted",
            (_, purged) if !purged.is_empty() => "purged",
            _ => "in force",
        };
        table.row([
            text(one, "/id"),
            text(one, "/module"),
            release,
            text(one, "/taken_at"),
            state.to_owned(),
            text(one, "/reason"),
        ]);
    }
    table.text()
}

impl Lift {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let body = json!({"reason": self.reason});
        let client = global.signed_in()?;
        client
            .post(&["takedowns", &self.takedown, "lift"], &body)
            .await?;
        tell(&format!("{}: lifted", self.takedown));
        Ok(())
    }
}
