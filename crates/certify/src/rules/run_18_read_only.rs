//! RUN-18: the module works with a read-only root, or declares what it writes.

use super::trial::{again, missing};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Reached;

pub(super) static RULE: Rule = Rule {
    code: "RUN-18",
    title: "The module works with a read-only root, or declares what it writes",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A root that cannot be written keeps a module as it was certified, and flash from wearing out.",
    fix: "Write only to volumes of the image, or to a Tmpfs or Binds of the createOptions.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| match &observed.read_only {
        None => missing(observed, place, "it was not started that way"),
        Some(life) => again(place, life, observed.first.reached.min(Reached::Connected)),
    })
}
