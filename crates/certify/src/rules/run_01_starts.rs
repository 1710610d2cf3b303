//! RUN-01: the module starts with its defaults.

use super::trial::{ended, started};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-01",
    title: "The module starts with its defaults",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "One click must be enough: the agent starts a module with nothing but its defaults.",
    fix: "Look at the module's own output; give the image an entry point that runs on this platform, and defaults \
          that it can start with.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| {
        let first = &observed.first;
        match (&first.not_started, &first.exit) {
            (Some(why), _) => Outcome::failed(place, why),
            (None, Some(exit)) if !started(observed) => Outcome::failed(place, ended(exit)),
            _ => Outcome::passed(place, "started"),
        }
    })
}
