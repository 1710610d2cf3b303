//! RUN-16: the ProductInfo of the module names its offer and plan.

use domain::offer::ModuleKind;

use super::trial::{companion, unconnected};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-16",
    title: "The ProductInfo of the module names its offer and plan",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "It is how a hub's owner, and the publisher, can count which modules are in use.",
    fix: "Set the product information of the SDK's client to publisher.offer.plan.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        let Some(product) = &expected.product else {
            return Outcome::not_applicable(place, "the module belongs to no offer");
        };
        if expected.kind == ModuleKind::Companion {
            return companion(place);
        }
        if let Some(why) = unconnected(observed) {
            return Outcome::not_reached(place, why);
        }
        let found = observed.client_type.as_deref().unwrap_or_default();
        if found
            .to_ascii_lowercase()
            .contains(&product.to_ascii_lowercase())
        {
            Outcome::passed(place, found)
        } else {
            Outcome::failed(place, format!("{product} is wanted, found {found:?}"))
        }
    })
}
