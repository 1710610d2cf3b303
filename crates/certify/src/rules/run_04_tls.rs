//! RUN-04: the module opens a TLS connection to the gateway.

use domain::offer::ModuleKind;

use super::trial::{companion, gone};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Reached;

pub(super) static RULE: Rule = Rule {
    code: "RUN-04",
    title: "The module opens a TLS connection to the gateway",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "The gateway's certificate comes from the device's own authority; a module that trusts another, or \
          expects another name, never connects.",
    fix: "Connect to the name in IOTEDGE_GATEWAYHOSTNAME and trust exactly the bundle of the workload API.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        match observed.first.reached {
            Reached::Nothing | Reached::Workload => {
                Outcome::not_reached(place, "it has no token; see RUN-03")
            }
            Reached::Signature => match gone(observed) {
                Some(why) => Outcome::not_reached(place, why),
                None => Outcome::failed(place, Reached::Signature.advice()),
            },
            Reached::TlsRefused => {
                let why = observed.tls_refused.as_deref().unwrap_or("no reason given");
                Outcome::failed(place, format!("the handshake failed: {why}"))
            }
            _ => Outcome::passed(place, "the handshake ended well"),
        }
    })
}
