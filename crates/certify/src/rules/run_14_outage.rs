//! RUN-14: the module outlives an outage of the hub.

use domain::offer::ModuleKind;

use super::trial::{companion, ended, readable};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-14",
    title: "The module outlives an outage of the hub",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "The hub of a device restarts with every update; a module has to wait for it and come back by itself.",
    fix: "Catch what the SDK throws while there is no connection, keep running, and let it connect again.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        let Some(outage) = &observed.outage else {
            return Outcome::not_reached(place, "it was not connected when the hub was to go away");
        };
        let seconds = outage.seconds;
        match (&outage.exit, outage.back_after_ms) {
            (Some(exit), _) if exit.out_of_memory => {
                Outcome::not_reached(place, "it ended for its memory; see FTP-01")
            }
            (Some(exit), _) => Outcome::failed(
                place,
                format!("hub away for {seconds} s: it {}", ended(exit)),
            ),
            (None, Some(after)) => {
                let after = readable(after);
                Outcome::passed(
                    place,
                    format!("hub away for {seconds} s, connected again after {after}"),
                )
            }
            (None, None) => {
                let patience = readable(outage.patience_ms);
                Outcome::failed(
                    place,
                    format!(
                        "hub away for {seconds} s, and not connected {patience} after its return"
                    ),
                )
            }
        }
    })
}
