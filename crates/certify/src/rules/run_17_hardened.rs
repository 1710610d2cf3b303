//! RUN-17: the module starts on a device that allows no elevated permissions.

use super::trial::{again, missing};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Reached;

pub(super) static RULE: Rule = Rule {
    code: "RUN-17",
    title: "The module starts on a device that allows no elevated permissions",
    level: Level::Review,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Devices can be set to take privileges away from every module; a module that then fails cannot be \
          installed there.",
    fix: "Run as a user of its own, and do without changing owners or users at start.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| match &observed.hardened {
        None => missing(observed, place, "it was not started that way"),
        Some(life) => again(place, life, observed.first.reached.min(Reached::Connected)),
    })
}
