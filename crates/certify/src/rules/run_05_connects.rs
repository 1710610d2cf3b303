//! RUN-05: the module connects by MQTT with a valid token.

use domain::offer::ModuleKind;

use super::trial::{companion, readable};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Reached;

pub(super) static RULE: Rule = Rule {
    code: "RUN-05",
    title: "The module connects by MQTT with a valid token",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "The hub checks audience, expiry and signature of every token; what it refuses here it refuses on every \
          device.",
    fix: "Let the workload API sign the token for exactly this device and module, and use MQTT: often \
          ClientTransportType=Mqtt_Tcp_Only.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        let first = &observed.first;
        match first.reached {
            Reached::Amqp => Outcome::failed(place, Reached::Amqp.advice()),
            Reached::ConnectRefused => {
                let why = observed
                    .connect_refused
                    .as_deref()
                    .unwrap_or("no reason given");
                Outcome::failed(place, format!("CONNECT refused: {why}"))
            }
            reached if reached < Reached::Amqp => {
                Outcome::not_reached(place, "no TLS connection; see RUN-03 and RUN-04")
            }
            _ => {
                let after = first.connected_ms.map(readable).unwrap_or_default();
                Outcome::passed(place, format!("connected after {after}"))
            }
        }
    })
}
