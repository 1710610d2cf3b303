//! RUN-02: the module stays up while it is watched.

use super::trial::{ended, readable, started};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Reached;

pub(super) static RULE: Rule = Rule {
    code: "RUN-02",
    title: "The module stays up while it is watched",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A module runs until it is told to stop; one that ends by itself is restarted for ever, each time later.",
    fix: "Look at the module's own output for why it ended; wait and try again instead of ending.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| {
        if !started(observed) {
            return Outcome::not_reached(place, "it did not start; see RUN-01");
        }
        let refused = Reached::TlsRefused..=Reached::ConnectRefused;
        match &observed.first.exit {
            None => Outcome::passed(
                place,
                format!("up for {}", readable(observed.first.watched_ms)),
            ),
            Some(exit) if exit.out_of_memory => {
                Outcome::not_reached(place, "it ended for its memory; see FTP-01")
            }
            Some(_) if refused.contains(&observed.first.reached) => Outcome::not_reached(
                place,
                "it ended after it failed to connect; see RUN-04 and RUN-05",
            ),
            Some(exit) => Outcome::failed(place, ended(exit)),
        }
    })
}
