//! RUN-11: the module takes messages from the inputs it declares.

use super::trial::{gone, unconnected};
use crate::places::{each_trial, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-11",
    title: "The module takes messages from the inputs it declares",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A filter or a sink that does not take its messages lets them pile up on the device until they are thrown \
          away.",
    fix: "Set a handler for the inputs that the plan names, and return from it, so that the SDK acknowledges.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.inputs.is_empty() {
            return Outcome::not_applicable(place, "it declares no inputs");
        }
        if let Some(why) = unconnected(observed).or_else(|| gone(observed)) {
            return Outcome::not_reached(place, why);
        }
        let Some(inputs) = &observed.inputs else {
            return Outcome::not_reached(place, "its inputs were not fed");
        };
        let left: Vec<&str> = inputs
            .iter()
            .filter(|one| !one.taken)
            .map(|one| one.name.as_str())
            .collect();
        if left.is_empty() {
            Outcome::passed(place, format!("taken: {}", listed(&expected.inputs)))
        } else {
            Outcome::failed(place, format!("not taken: {}", listed(left)))
        }
    })
}
