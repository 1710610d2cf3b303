//! `edgemart show`: one module, its plans and versions.

use domain::ids::OfferKey;
use serde_json::Value;

use super::context::Global;
use super::failure::{Exit, Failure};
use super::module::fetch;
use super::output::{Table, items, joined, plain, text};

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart show contoso.temperature-sensor --plan standard")]
pub(crate) struct Show {
    /// The module, as `publisher.offer`.
    module: OfferKey,
    /// Only this plan.
    #[arg(long)]
    plan: Option<String>,
}

impl Show {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let module = fetch(&global.client()?, &self.module, self.plan.as_deref()).await?;
        let Some(wanted) = &self.plan else {
            return global.show(&module, || whole(&module));
        };
        let plans = items(&module, "/plans");
        match plans.iter().find(|plan| text(plan, "/plan") == *wanted) {
            Some(plan) => global.show(plan, || one_plan(plan)),
            None => {
                let names: Vec<String> = plans.iter().map(|plan| text(plan, "/plan")).collect();
                Err(Failure::new(
                    Exit::NotFound,
                    format!("{} has no plan `{wanted}`", self.module),
                )
                .fix(format!("choose one of: {}", names.join(", "))))
            }
        }
    }
}

fn line(name: &str, value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!("{name:<14}{}\n", plain(value)),
    }
}

fn whole(module: &Value) -> String {
    let mut told = String::new();
    told.push_str(&line("module", &text(module, "/id")));
    told.push_str(&line("title", &text(module, "/title")));
    told.push_str(&line("publisher", &text(module, "/publisher")));
    told.push_str(&line("summary", &text(module, "/summary")));
    told.push_str(&line("platforms", &joined(module, "/platforms", ", ")));
    told.push_str(&line("categories", &joined(module, "/categories", ", ")));
    told.push_str(&line("licence", &text(module, "/licence")));
    told.push_str(&line("hardware", &text(module, "/minimum_hardware")));
    told.push_str(&line("documentation", &text(module, "/documentation_url")));
    for plan in items(module, "/plans") {
        told.push('\n');
        told.push_str(&one_plan(plan));
    }
    told
}

fn one_plan(plan: &Value) -> String {
    let mut told = String::new();
    told.push_str(&line("plan", &text(plan, "/plan")));
    told.push_str(&line("title", &text(plan, "/title")));
    told.push_str(&line("price", &text(plan, "/price_model")));
    told.push_str(&line("summary", &text(plan, "/summary")));
    told.push_str(&line("image", &text(plan, "/image")));
    let names: Vec<String> = items(plan, "/placeholders")
        .iter()
        .map(|one| text(one, "/name"))
        .collect();
    told.push_str(&line("to fill in", &names.join(", ")));
    let versions = items(plan, "/versions");
    if !versions.is_empty() {
        let mut table = Table::new(&["VERSION", "PLATFORMS", "TAGS", "DIGEST"]);
        for version in versions {
            table.row([
                text(version, "/version"),
                joined(version, "/platforms", ", "),
                joined(version, "/tags", ", "),
                text(version, "/digest"),
            ]);
        }
        told.push_str(&table.text());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plans_show_versions_and_what_to_fill_in() {
        let told = whole(&json!({
            "id": "contoso.sensor", "title": "Sensor", "platforms": ["linux/amd64"],
            "plans": [{
                "plan": "standard", "price_model": "free", "placeholders": [{"name": "SERVER"}],
                "versions": [{"version": "1.2.0", "digest": "sha256:ab", "tags": ["1.2"],
                              "platforms": ["linux/amd64"]}],
            }],
        }));
        assert!(told.contains("to fill in    SERVER\n"), "{told}");
        assert!(
            told.contains("1.2.0    linux/amd64  1.2   sha256:ab\n"),
            "{told}"
        );
    }
}
