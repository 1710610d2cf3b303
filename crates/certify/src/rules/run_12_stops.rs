//! RUN-12: the module stops within 10 s of SIGTERM and says goodbye.

use super::trial::readable;
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-12",
    title: "The module stops within 10 s of SIGTERM and says goodbye",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Devices restart and update; a module that is killed loses what it held, and one that just vanishes looks \
          like a fault.",
    fix: "Handle SIGTERM: close the client, then end. As process 1 of a container a program without a handler \
          ignores it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| {
        let Some(stop) = &observed.stop else {
            return Outcome::not_reached(place, "it was not running when it was to be stopped");
        };
        let took = readable(stop.took_ms);
        if stop.killed {
            Outcome::failed(
                place,
                format!("still running {took} after SIGTERM; it was killed"),
            )
        } else if stop.said_goodbye == Some(false) {
            Outcome::failed(place, format!("ended after {took}, without DISCONNECT"))
        } else {
            Outcome::passed(place, format!("ended after {took}"))
        }
    })
}
