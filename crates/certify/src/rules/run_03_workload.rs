//! RUN-03: the module fetches the trust bundle and has a token signed.

use domain::offer::ModuleKind;

use super::trial::{companion, gone};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-03",
    title: "The module fetches the trust bundle and has a token signed",
    level: Level::Block,
    waivable: false,
    sources: &["edge-runtime §6.1"],
    why: "This is how a module proves on a device who it is, without a secret of its own; a container that never \
          asks is no edge module.",
    fix: "Create the client from the environment that the agent sets: in the SDKs, create_from_edge_environment or \
          fromEnvironment.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        let workload = &observed.workload;
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        if workload.signatures > 0 && workload.trust_bundle {
            let signatures = workload.signatures;
            return Outcome::passed(place, format!("trust bundle, {signatures} signatures"));
        }
        if let Some(why) = gone(observed) {
            return Outcome::not_reached(place, why);
        }
        let what = match (workload.trust_bundle, workload.signatures, workload.others) {
            (false, 0, 0) => {
                "it never called the workload API: a container for anywhere, not for the edge"
            }
            (false, 0, _) => {
                "it called the workload API, but neither for the trust bundle nor for a signature"
            }
            (true, ..) => "it fetched the trust bundle and never had a token signed",
            (false, ..) => "it had a token signed and never fetched the trust bundle",
        };
        Outcome::failed(place, what)
    })
}
