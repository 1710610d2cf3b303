//! `edgemart admin policy`: how much each rule counts, and which platforms a module must have.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::verbs::client::Client;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::{Table, items, text};

/// The certification policy and the support matrix.
///
/// Asks the marketplace, with an operator's token of the scope `admin`. Runtime images of generated manifests are shown,
/// too; they are set in the configuration, under [runtime].
#[derive(Debug, clap::Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show every rule as it counts now, and the matrix.
    Show(Show),
    /// Change a rule or the matrix; submissions are judged by what is in force when their rules run.
    Set(Set),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin policy show")]
struct Show {}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin policy set IMG-06 --level warn\n  edgemart admin policy set DEF-05 --level block --from 2027-01-01T00:00:00Z\n  edgemart admin policy set --platforms all"
)]
struct Set {
    /// Code of a rule.
    rule: Option<String>,
    /// How much it counts.
    #[arg(long, requires = "rule")]
    level: Option<Level>,
    /// Switch it off; reports then say that it did not run.
    #[arg(long, requires = "rule", conflicts_with = "on")]
    off: bool,
    /// Switch it on again.
    #[arg(long, requires = "rule")]
    on: bool,
    /// Until this moment (RFC 3339) it only warns; `now` takes an earlier moment out.
    #[arg(long, requires = "rule", value_name = "MOMENT")]
    from: Option<String>,
    /// Take everything said about the rule back.
    #[arg(long, requires = "rule", conflicts_with_all = ["level", "off", "on", "from"])]
    default: bool,
    /// Must a module have all required platforms, or may an offer promise any of them?
    #[arg(long)]
    platforms: Option<Platforms>,
    /// The whole matrix as JSON, in the shape that `policy show -o json` prints.
    #[arg(long, value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// Name of the policy that reports carry; the present moment unless given.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Level {
    /// A failure rejects.
    Block,
    /// A failure asks a reviewer.
    Review,
    /// A failure is told.
    Warn,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Review => "review",
            Self::Warn => "warn",
        }
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Platforms {
    /// Every required platform.
    All,
    /// At least one.
    Any,
}

impl Policy {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        match self.verb {
            Verb::Show(Show {}) => show(&client, global).await,
            Verb::Set(asked) => asked.run(&client).await,
        }
    }
}

async fn show(client: &Client, global: &Global) -> Result<(), Failure> {
    let policy = client.get(&["policy"], &[]).await?.body;
    global.show(&policy, || told(&policy))
}

fn told(policy: &Value) -> String {
    let mut rules = Table::new(&["RULE", "LEVEL", "TITLE"]);
    for rule in items(policy, "/rules") {
        let enabled = rule.get("enabled").and_then(Value::as_bool) != Some(false);
        let level = if enabled {
            text(rule, "/level")
        } else {
            "off".to_owned()
        };
        rules.row([text(rule, "/code"), level, text(rule, "/title")]);
    }
    let mut platforms = Table::new(&["PLATFORM", "DEMAND", "EXAMPLES"]);
    for row in items(policy, "/matrix/platforms") {
        platforms.row([
            text(row, "/platform"),
            text(row, "/demand"),
            text(row, "/examples"),
        ]);
    }
    let any = policy.pointer("/matrix/any_allowed") == Some(&Value::Bool(true));
    format!(
        "policy {}, platforms: {}\n\n{}\n{}\nagent {}\nhub   {}\n",
        text(policy, "/policy/version"),
        if any { "any" } else { "all" },
        rules.text(),
        platforms.text(),
        text(policy, "/runtime/agent_image"),
        text(policy, "/runtime/hub_image"),
    )
}

impl Set {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let patch = self.patch()?;
        client.patch(&["policy"], &patch).await?;
        tell("Changed. Submissions are judged by what is in force when their rules run.");
        Ok(())
    }

    /// What is said, and nothing else, so that the marketplace keeps the rest.
    fn patch(&self) -> Result<Value, Failure> {
        let mut patch = serde_json::Map::new();
        if let Some(rule) = &self.rule {
            let version = self.name.clone().unwrap_or_else(|| {
                jiff::Timestamp::now()
                    .strftime("%Y-%m-%dT%H:%M:%SZ")
                    .to_string()
            });
            let change = self.rule_change()?;
            let rules = json!({rule.to_uppercase(): change});
            patch.insert("policy".into(), json!({"version": version, "rules": rules}));
        } else if let Some(name) = &self.name {
            patch.insert("policy".into(), json!({"version": name}));
        }
        let mut matrix = match &self.matrix {
            Some(file) => read(file)?,
            None => json!({}),
        };
        if let (Some(platforms), Some(matrix)) = (self.platforms, matrix.as_object_mut()) {
            let any = matches!(platforms, Platforms::Any);
            matrix.insert("any_allowed".into(), json!(any));
        }
        if self.matrix.is_some() || self.platforms.is_some() {
            patch.insert("matrix".into(), matrix);
        }
        if patch.is_empty() {
            return Err(Failure::new(Exit::Usage, "nothing to change was named")
                .fix("name a rule with --level, --on, --off or --from, or give --platforms or --matrix"));
        }
        Ok(Value::Object(patch))
    }

    fn rule_change(&self) -> Result<Value, Failure> {
        if self.default {
            return Ok(Value::Null);
        }
        let mut change = serde_json::Map::new();
        if let Some(level) = self.level {
            change.insert("level".into(), json!(level.as_str()));
        }
        if self.on || self.off {
            change.insert("enabled".into(), json!(self.on));
        }
        match self.from.as_deref() {
            Some("now") => {
                change.insert("effective_from".into(), Value::Null);
            }
            Some(moment) => {
                let at: jiff::Timestamp = moment.parse().map_err(|error| {
                    Failure::new(Exit::Usage, format!("`{moment}` is no moment"))
                        .why(error)
                        .fix("write it as 2027-01-01T00:00:00Z")
                })?;
                change.insert("effective_from".into(), json!(at.as_microsecond()));
            }
            None => {}
        }
        if change.is_empty() {
            return Err(
                Failure::new(Exit::Usage, "nothing to change about the rule was named")
                    .fix("add --level, --on, --off, --from or --default"),
            );
        }
        Ok(Value::Object(change))
    }
}

fn read(file: &PathBuf) -> Result<Value, Failure> {
    let what = format!("{} cannot be used", file.display());
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::NotFound, what.clone()).why(error))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Exit::Invalid, what.clone()).why(error))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Failure::new(Exit::Invalid, what).why("it holds no JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        set: Set,
    }

    fn patch(arguments: &[&str]) -> Result<Value, Failure> {
        let all = std::iter::once("set").chain(arguments.iter().copied());
        Line::try_parse_from(all).unwrap().set.patch()
    }

    #[test]
    fn only_what_was_said_is_sent() {
        assert_eq!(
            patch(&["img-06", "--level", "warn", "--name", "1"]).unwrap(),
            json!({"policy": {"version": "1", "rules": {"IMG-06": {"level": "warn"}}}})
        );
        let moment = [
            "DEF-05",
            "--off",
            "--from",
            "1970-01-01T00:00:01Z",
            "--name",
            "1",
        ];
        assert_eq!(
            patch(&moment)
                .unwrap()
                .pointer("/policy/rules/DEF-05")
                .unwrap(),
            &json!({"enabled": false, "effective_from": 1_000_000})
        );
        assert_eq!(
            patch(&["DEF-05", "--default", "--name", "1"]).unwrap(),
            json!({"policy": {"version": "1", "rules": {"DEF-05": null}}})
        );
        assert_eq!(
            patch(&["--platforms", "all"]).unwrap(),
            json!({"matrix": {"any_allowed": false}})
        );
        for nothing in [&[][..], &["DEF-05"], &["DEF-05", "--from", "tomorrow"]] {
            assert_eq!(patch(nothing).unwrap_err().exit, Exit::Usage);
        }
    }
}
