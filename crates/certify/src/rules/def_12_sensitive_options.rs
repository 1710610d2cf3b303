//! DEF-12: what else the module asks of its host is justified.

use super::container;
use super::privilege::{Weight, weight, words};
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-12",
    title: "Host namespaces, devices, system folders and capabilities are justified",
    level: Level::Review,
    waivable: true,
    sources: &["T-20"],
    why: "Some modules need a serial port or the host's network; a person reads the reason and decides. Ordinary \
          folders of the host need none.",
    fix: "Take the option out, or say in the certification notes why the module cannot work without it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        container::judged(plan, |options| {
            let sensitive: Vec<Outcome> = options
                .privileges()
                .iter()
                .filter(|privilege| weight(privilege) == Weight::Sensitive)
                .map(|privilege| {
                    Outcome::failed(container::place(plan, &privilege.pointer), words(privilege))
                })
                .collect();
            if sensitive.is_empty() {
                vec![Outcome::passed(
                    plan_place(plan),
                    "asks for nothing sensitive",
                )]
            } else {
                sensitive
            }
        })
    })
}
