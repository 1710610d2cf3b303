//! IMG-20: a plan keeps the repository it first went live from.

use crate::places::{each_known, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-20",
    title: "The image still comes from the repository it first came from",
    level: Level::Block,
    waivable: true,
    sources: &["T-34", "§4.1"],
    why: "A plan that suddenly takes its images from elsewhere may have been taken over, or is another product. A move \
          to another registry is a reviewer's decision.",
    fix: "Go back to the first repository, or ask a reviewer to allow the move.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_known(subject, |plan| {
        let place = plan_place(plan);
        let now = subject.source(plan);
        vec![match subject.first_sources.get(&plan.plan) {
            None => Outcome::not_applicable(place, "the plan was never live"),
            Some(first) if *first == now => Outcome::passed(place, first.as_str()),
            Some(first) => Outcome::failed(place, format!("was {first}, is {now}")),
        }]
    })
}
