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
    told.push_str(&runs(plan));
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

/// What runs of the newest version measured, a line for each platform.
fn runs(plan: &Value) -> String {
    let mut told = String::new();
    for run in items(plan, "/runs") {
        let number = |key: &str| run[key].as_u64();
        let judged = match run["not_run"].as_str() {
            Some(why) => format!("not run: {why}"),
            None => format!(
                "passed {} of {} on {}",
                text(run, "/passed"),
                text(run, "/applicable"),
                text(run, "/ran_at"),
            ),
        };
        let broken = joined(run, "/broken", ", ");
        let broken = match broken.as_str() {
            "" => String::new(),
            codes => format!(", broke {codes}"),
        };
        let took = match (number("memory_peak_bytes"), number("cpu_permille")) {
            (Some(peak), Some(cpu)) => format!(
                ", {} MiB at most, {}.{} % of a core",
                peak.div_ceil(1 << 20),
                cpu / 10,
                cpu % 10
            ),
            _ => String::new(),
        };
        let platform = text(run, "/platform");
        told.push_str(&line("ran", &format!("{platform}: {judged}{broken}{took}")));
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
                "runs": [
                    {"platform": "linux/amd64", "passed": 21, "applicable": 22, "ran_at": "2026-03-02T14:05:00Z",
                     "broken": ["RUN-05"], "memory_peak_bytes": 22_020_096, "cpu_permille": 13},
                    {"platform": "linux/arm64", "not_run": "no emulator"},
                ],
                "versions": [{"version": "1.2.0", "digest": "sha256:ab", "tags": ["1.2"],
                              "platforms": ["linux/amd64"]}],
            }],
        }));
        assert!(told.contains("to fill in    SERVER\n"), "{told}");
        let ran = "ran           linux/amd64: passed 21 of 22 on 2026-03-02T14:05:00Z, broke RUN-05, 21 MiB at most, 1.3 % of a core\n";
        assert!(told.contains(ran), "{told}");
        assert!(
            told.contains("ran           linux/arm64: not run: no emulator\n"),
            "{told}"
        );
        assert!(
            told.contains("1.2.0    linux/amd64  1.2   sha256:ab\n"),
            "{told}"
        );
    }
}
