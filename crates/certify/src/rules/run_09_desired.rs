//! RUN-09: the module takes a change of its desired properties and reports.

use super::trial::{gone, unconnected};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-09",
    title: "The module takes a change of its desired properties and reports",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Settings change while a module runs; what it reports is how anybody learns that it took them.",
    fix: "Handle changes of desired properties, and report the value that is in force afterwards.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.desired.is_empty() {
            return Outcome::not_applicable(place, "no desired properties by default");
        }
        if let Some(why) = unconnected(observed).or_else(|| gone(observed)) {
            return Outcome::not_reached(place, why);
        }
        match &observed.desired {
            None => Outcome::not_reached(place, "its desired properties were not changed"),
            Some(desired) if !desired.heard && !observed.twin_read => {
                Outcome::not_reached(place, "it does not read its twin; see RUN-08")
            }
            Some(desired) if !desired.heard => {
                Outcome::failed(place, "it does not listen for changes")
            }
            Some(desired) if !desired.reported => {
                Outcome::failed(place, "it was told of a change and reported nothing")
            }
            Some(_) => Outcome::passed(place, "it reported after a change"),
        }
    })
}
