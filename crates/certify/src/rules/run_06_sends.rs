//! RUN-06: the module sends a message on an output it declares.

use domain::offer::ModuleKind;

use super::trial::{gone, readable, unconnected};
use crate::places::{each_trial, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-06",
    title: "The module sends a message on an output it declares",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "What a source or a filter is for is its messages; one that is connected and silent looks healthy on \
          every dashboard.",
    fix: "Send to the outputs that the plan names, with the default configuration, within the first minute; a \
          filter, once its input is fed.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if matches!(expected.kind, ModuleKind::Sink | ModuleKind::Companion) {
            return Outcome::not_applicable(place, "a module of this kind sends nothing by itself");
        }
        let sent = &observed.messages.outputs;
        let declared = &expected.outputs;
        let hit = declared.iter().find(|output| sent.contains(output));
        if hit.is_some() || (declared.is_empty() && observed.messages.count > 0) {
            let count = observed.messages.count;
            let after = observed.first.message_ms.map(readable).unwrap_or_default();
            return Outcome::passed(place, format!("{count} messages, the first after {after}"));
        }
        if let Some(why) = unconnected(observed).or_else(|| gone(observed)) {
            return Outcome::not_reached(place, why);
        }
        let fed = || {
            observed
                .inputs
                .as_ref()
                .is_some_and(|all| all.iter().any(|one| one.taken))
        };
        if expected.kind == ModuleKind::Filter && !expected.inputs.is_empty() && !fed() {
            return Outcome::not_reached(place, "it took nothing in; see RUN-11");
        }
        Outcome::failed(
            place,
            match sent.as_slice() {
                [] => "connected, and not one message".to_owned(),
                others => format!(
                    "nothing to {}; only to {}",
                    listed(declared),
                    listed(others.iter().map(|name| format!("{name:?}")))
                ),
            },
        )
    })
}
