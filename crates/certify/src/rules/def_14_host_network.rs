//! DEF-14: host networking is asked for in both places.

use domain::create_options::{CreateOptions, PrivilegeKind};
use domain::offer::Plan;

use super::container;
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-14",
    title: "Host networking is given as NetworkMode and as endpoint",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §1.2"],
    why: "With one of the two alone the agent still adds its own bridge network, and the engine refuses the mixture.",
    fix: "Give both HostConfig.NetworkMode \"host\" and NetworkingConfig.EndpointsConfig {\"host\":{}}.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        container::judged(plan, |options| judge(plan, options))
    })
}

fn judge(plan: &Plan, options: &CreateOptions) -> Vec<Outcome> {
    let asked = |part: &str| {
        options.privileges().iter().any(|privilege| {
            privilege.kind == PrivilegeKind::HostNamespace
                && privilege.value.eq_ignore_ascii_case("host")
                && privilege.pointer.to_ascii_lowercase().contains(part)
        })
    };
    let place = plan_place(plan);
    vec![match (asked("/networkmode"), asked("/endpointsconfig")) {
        (false, false) => Outcome::not_applicable(place, "the module uses the edge network"),
        (true, true) => Outcome::passed(place, "NetworkMode and endpoint"),
        (true, false) => Outcome::failed(place, "NetworkMode without the endpoint"),
        (false, true) => Outcome::failed(place, "the endpoint without NetworkMode"),
    }]
}
