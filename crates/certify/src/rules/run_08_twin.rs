//! RUN-08: the module reads its twin.

use super::trial::{gone, unconnected};
use crate::places::{each_trial, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-08",
    title: "The module reads its twin",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "The default desired properties are its settings; a module that never reads them cannot be configured.",
    fix: "Get the twin after connecting, or set a handler for desired properties, which does so.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if observed.twin_read {
            return Outcome::passed(place, "the twin was read");
        }
        if expected.desired.is_empty() {
            return Outcome::not_applicable(place, "no desired properties by default");
        }
        match unconnected(observed).or_else(|| gone(observed)) {
            Some(why) => Outcome::not_reached(place, why),
            None => Outcome::failed(
                place,
                format!("it never read {}", listed(&expected.desired)),
            ),
        }
    })
}
