//! FTP-02: the module takes at most a fifth of a processor core.

use super::trial::missing;
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "FTP-02",
    title: "The module takes at most a fifth of a processor core",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A gateway carries many modules; one that keeps a core busy with its defaults leaves no room for others.",
    fix: "Wait instead of asking again and again, and choose longer default intervals.",
    check,
};

/// Share of one core that does not warn, in thousandths.
const CPU_PERMILLE_MAX: u64 = 200;

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| match &observed.footprint {
        _ if observed.emulated => Outcome::not_run(place, "an emulator's time is not the module's"),
        Some(footprint) if footprint.samples > 1 => {
            let share = footprint.cpu_permille;
            let seen = format!("{}.{} % of a core", share / 10, share % 10);
            if share > CPU_PERMILLE_MAX {
                Outcome::failed(place, seen)
            } else {
                Outcome::passed(place, seen)
            }
        }
        _ => missing(observed, place, "it was not measured"),
    })
}
