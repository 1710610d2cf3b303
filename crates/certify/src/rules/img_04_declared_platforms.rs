//! IMG-04: every declared platform is in the image.

use oci::Platform;

use crate::places::{each_source, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-04",
    title: "The image has every platform that the plan declares",
    level: Level::Block,
    waivable: false,
    sources: &["T-12", "§4.2"],
    why: "The storefront tells a customer that the module fits a device; the pull must not prove it wrong.",
    fix: "Build and push the missing platform, or take it out of the plan.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let built: Vec<Platform> = evidence
            .images
            .iter()
            .map(|image| image.platform.normalized())
            .collect();
        let missing: Vec<&String> = plan
            .platforms
            .iter()
            .filter(|text| {
                text.parse::<Platform>()
                    .is_ok_and(|platform| !built.contains(&platform.normalized()))
            })
            .collect();
        vec![if missing.is_empty() {
            Outcome::passed(plan_place(plan), format!("has {}", listed(&built)))
        } else {
            Outcome::failed(
                plan_place(plan),
                format!(
                    "declares {}, but the newest version has only {}",
                    listed(missing),
                    listed(&built)
                ),
            )
        }]
    })
}
