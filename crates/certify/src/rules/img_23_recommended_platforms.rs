//! IMG-23: the image also runs on the recommended platforms.

use domain::matrix::Demand;

use super::platforms;
use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-23",
    title: "The image has the platforms that the support matrix recommends",
    level: Level::Warn,
    waivable: true,
    sources: &["T-12", "§11"],
    why: "Recommended platforms are those that many new devices have; a module without them is passed over.",
    fix: "Build and push the platform when you can.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let place = plan_place(plan);
        let Some(has) = platforms::of_plan(subject, plan) else {
            return vec![Outcome::not_run(
                place,
                "the image of this plan was not read",
            )];
        };
        let recommended: Vec<_> = subject.matrix.with(Demand::Recommended).collect();
        if recommended.is_empty() {
            return vec![Outcome::not_applicable(place, "the matrix recommends none")];
        }
        let missing = platforms::missing(&subject.matrix, Demand::Recommended, &has);
        vec![if missing.is_empty() {
            Outcome::passed(place, format!("has {}", listed(recommended)))
        } else {
            Outcome::failed(place, format!("missing {}", listed(missing)))
        }]
    })
}
