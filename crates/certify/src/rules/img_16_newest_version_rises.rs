//! IMG-16: the newest version never falls behind what was published.

use domain::tag::newest;

use crate::places::{each_known, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-16",
    title: "The newest version is not older than what is published",
    level: Level::Block,
    waivable: false,
    sources: &["T-09", "§6.2"],
    why: "`latest` moves with the newest version; it must never carry customers backwards. A submission without a new \
          version changes texts only, and keeps the version it has.",
    fix: "Raise the version above the published one and push it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_known(subject, |plan| {
        let place = plan_place(plan);
        let Some(published) = subject
            .releases(&plan.plan)
            .map(|release| release.version)
            .max()
        else {
            return vec![Outcome::not_applicable(
                place,
                "no version was published before",
            )];
        };
        vec![match newest(plan.image.tags.iter().map(String::as_str)) {
            None => Outcome::not_run(place, "no version X.Y.Z is declared"),
            Some(newest) if newest < published => Outcome::failed(
                place,
                format!("{newest} is older than {published}, which is published"),
            ),
            Some(newest) if newest == published => {
                Outcome::passed(place, format!("{newest}, as published"))
            }
            Some(newest) => Outcome::passed(place, format!("{newest} follows {published}")),
        }]
    })
}
