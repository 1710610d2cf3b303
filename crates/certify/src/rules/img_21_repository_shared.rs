//! IMG-21: one repository serves one plan.

use domain::offer::Plan;

use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-21",
    title: "No other plan or offer takes its images from the same repository",
    level: Level::Warn,
    waivable: true,
    sources: &["T-34", "§3.1"],
    why: "A plan is one image with one default configuration. Two plans on one repository move together whether they \
          want to or not.",
    fix: "Give each plan a repository of its own.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let source = subject.source(plan);
        let other_plan = subject
            .offer
            .plans
            .iter()
            .find(|other| other.plan != plan.plan && subject.source(other) == source);
        let place = plan_place(plan);
        let shared = |by: String| {
            Outcome::failed(plan_place(plan), format!("{source} is also used by {by}"))
        };
        vec![match (other_plan, subject.other_sources.get(&source)) {
            (Some(Plan { plan, .. }), _) => shared(format!("plan {plan}")),
            (None, Some(offer)) => shared(offer.to_string()),
            (None, None) => match &subject.unasked {
                Some(why) => Outcome::not_run(place, why),
                None => Outcome::passed(place, source),
            },
        }]
    })
}
