//! DEF-05: the module does not ask for control over its host.

use super::container;
use super::privilege::{Weight, weight, words};
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-05",
    title: "No privileged mode, engine socket, host root or all-powerful capability",
    level: Level::Block,
    waivable: true,
    sources: &["T-20", "§12.6"],
    why: "Such a module owns the device and every other module on it. It is extremely rarely needed; then a reviewer \
          waives this rule with a reason that customers can read.",
    fix: "Take the option out and ask for the one device, folder or capability that is needed; if it cannot be done \
          without, explain why in the certification notes.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        container::judged(plan, |options| {
            let privileges = options.privileges();
            let controls: Vec<Outcome> = privileges
                .iter()
                .filter(|privilege| weight(privilege) == Weight::Control)
                .map(|privilege| {
                    Outcome::failed(container::place(plan, &privilege.pointer), words(privilege))
                })
                .collect();
            if controls.is_empty() {
                vec![Outcome::passed(
                    plan_place(plan),
                    "asks for no control over the host",
                )]
            } else {
                controls
            }
        })
    })
}
