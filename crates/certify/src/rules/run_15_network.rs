//! RUN-15: the module reaches for nothing but the gateway and the hosts it declares.

use super::trial::{gone, missing};
use crate::places::{each_trial, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-15",
    title: "The module reaches for nothing but the gateway and the hosts it declares",
    level: Level::Review,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Whoever runs a module has to know whom it talks to; much of the field has no way to the internet at all.",
    fix: "Declare the hosts that the module needs, or leave the connections out of the defaults.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        let Some(network) = &observed.network else {
            return match gone(observed) {
                None if observed.contained => {
                    Outcome::not_run(place, "what it reaches for could not be watched here")
                }
                _ => missing(observed, place, "it ended before it was watched"),
            };
        };
        let declared = |name: &&String| {
            expected
                .hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(name))
        };
        let others: Vec<&String> = network
            .names
            .iter()
            .filter(|name| !declared(name))
            .collect();
        match (others.is_empty(), network.packets) {
            (false, _) => Outcome::failed(place, format!("it asked for {}", listed(others))),
            (true, 1..) => {
                let packets = network.packets;
                Outcome::failed(
                    place,
                    format!("{packets} packets to addresses outside the device"),
                )
            }
            (true, 0) => Outcome::passed(
                place,
                "nothing besides the gateway and the hosts it declares",
            ),
        }
    })
}
