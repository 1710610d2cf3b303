//! RUN-13: the module works again after a restart.

use super::trial::again;
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-13",
    title: "The module works again after a restart",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Devices lose power; what a module left behind must not keep it from starting.",
    fix: "Start from any state that an earlier run can leave: existing files, half-written files, stale locks.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        match &observed.second {
            None => Outcome::not_reached(place, "it was not started again"),
            Some(second) => again(place, second, expected.again(observed.first.reached)),
        }
    })
}
