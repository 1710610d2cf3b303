//! DEF-10: images named in the defaults come from declared registries.

use domain::offer::Plan;

use super::container;
use super::def_06_placeholders::leaves;
use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-10",
    title: "Images named in the defaults come from declared registries, none from localhost",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6"],
    why: "What was certified is the image of the plan. A default that names another image brings in software that \
          nobody looked at, or that only the author's own machine has.",
    fix: "Take the image reference out of the defaults, or publish that image as a plan of its own.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let declared = [subject.registry_host.as_str(), plan.image.registry.as_str()];
        let mut foreign: Vec<String> = leaves(&plan.defaults)
            .into_iter()
            .filter(|text| is_foreign(text, &declared))
            .map(|text| text.chars().take(120).collect())
            .collect();
        foreign.extend(other_image(plan, &declared));
        foreign.dedup();
        vec![if foreign.is_empty() {
            Outcome::passed(plan_place(plan), "none from elsewhere")
        } else {
            Outcome::failed(plan_place(plan), listed(foreign))
        }]
    })
}

/// `Image` in the createOptions, which some engines prefer over the module's own image.
fn other_image(plan: &Plan, declared: &[&str]) -> Option<String> {
    let image = container::member(&plan.defaults, "Image")?;
    let image = image.as_str()?;
    let host = host(image)?;
    (!declared.contains(&host)).then(|| image.chars().take(120).collect())
}

/// A reference on this machine, or one by digest on an undeclared host. A text with a tag alone is not taken for an
/// image, since many addresses look the same.
fn is_foreign(text: &str, declared: &[&str]) -> bool {
    let Some(host) = host(text) else {
        return false;
    };
    let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host == *name
            || host
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(':'))
    });
    local || (text.contains("@sha256:") && !declared.contains(&host))
}

/// The host of what may be an image reference: no scheme, no blanks, a dot, port or `localhost` before the first slash.
fn host(text: &str) -> Option<&str> {
    let (host, rest) = text.split_once('/')?;
    let like_a_host = host == "localhost" || host.contains(['.', ':']);
    let reference =
        !text.contains(char::is_whitespace) && !text.contains("://") && !rest.is_empty();
    (like_a_host && reference).then_some(host)
}
