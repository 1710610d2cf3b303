//! IMG-02: `latest` and at least one version `X.Y.Z` are declared.

use domain::tag::newest;

use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-02",
    title: "The tags include `latest` and at least one version X.Y.Z",
    level: Level::Block,
    waivable: false,
    sources: &["T-04", "T-05", "§4.2"],
    why: "Customers must be able to follow the newest version and to stay on an exact one.",
    fix: "Add the missing tag to the plan's image tags, and push it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let tags = &plan.image.tags;
        let latest = tags.iter().any(|tag| tag == "latest");
        let version = newest(tags.iter().map(String::as_str));
        let place = plan_place(plan);
        vec![match (latest, version) {
            (true, Some(version)) => Outcome::passed(
                place,
                format!("latest, and {version} as the newest version"),
            ),
            (false, Some(_)) => {
                Outcome::failed(place, format!("no `latest` among {}", listed(tags)))
            }
            (_, None) if tags.is_empty() => Outcome::failed(place, "no tags"),
            (_, None) => Outcome::failed(place, format!("no version X.Y.Z among {}", listed(tags))),
        }]
    })
}
