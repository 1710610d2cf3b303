//! RUN-19: the module renews its token before it is shut out. Seen only in a long run, which the operator may ask for.

use domain::offer::ModuleKind;

use super::trial::{companion, ended, gone, readable, unconnected};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-19",
    title: "The module renews its token by itself",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A token lasts an hour with the official SDKs; a module that keeps the first one for ever is silent from then on.",
    fix: "Have a new token signed for each connection, and connect anew before the old one ends, as the SDKs do.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        let Some(renewal) = &observed.renewal else {
            let missed = gone(observed).or_else(|| unconnected(observed));
            return match missed {
                Some(why) => Outcome::not_reached(place, why),
                None => Outcome::not_run(place, "no long run was asked for"),
            };
        };
        let left = renewal.token_left_seconds;
        match (&renewal.exit, renewal.renewed_after_ms) {
            (Some(exit), _) if exit.out_of_memory => {
                Outcome::not_reached(place, "it ended for its memory; see FTP-01")
            }
            (Some(exit), _) => Outcome::failed(place, ended(exit)),
            (None, Some(after)) => Outcome::passed(
                place,
                format!(
                    "connected with a new token after {}; the old one had {left} s left",
                    readable(after)
                ),
            ),
            (None, None) if renewal.waited_ms <= left.saturating_mul(1_000) => Outcome::not_run(
                place,
                format!(
                    "its token lasts {left} s, and the run was over {} later",
                    readable(renewal.waited_ms)
                ),
            ),
            (None, None) => Outcome::failed(
                place,
                format!(
                    "its token ended after {left} s, and {} later it had not connected with a new one",
                    readable(renewal.waited_ms - left.saturating_mul(1_000))
                ),
            ),
        }
    })
}
