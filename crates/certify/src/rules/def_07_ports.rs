//! DEF-07: published ports do not collide with each other or with the edge hub.

use domain::create_options::{CreateOptions, EDGE_HUB_PORTS};
use domain::offer::Plan;

use super::container;
use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-07",
    title: "Host ports do not collide with each other or with the edge hub",
    level: Level::Block,
    waivable: true,
    sources: &["T-39", "§12.6"],
    why: "A host port can be taken once. The edge hub has 443, 5671 and 8883 on almost every device, so a module that \
          takes one of them does not start there.",
    fix: "Publish on another host port, or leave it open with a placeholder.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        container::judged(plan, |options| judge(plan, options))
    })
}

fn judge(plan: &Plan, options: &CreateOptions) -> Vec<Outcome> {
    let (ports, problems) = options.host_ports();
    let mut outcomes: Vec<Outcome> = problems
        .into_iter()
        .filter(|problem| !is_open(options, &problem.pointer))
        .map(|problem| Outcome::failed(container::place(plan, &problem.pointer), problem.what))
        .collect();
    for (index, port) in ports.iter().enumerate() {
        let place = || container::place(plan, &port.pointer);
        let shown = format!("host port {}/{}", port.port, port.protocol);
        if ports[..index].iter().any(|other| other.collides(port)) {
            outcomes.push(Outcome::failed(place(), format!("{shown} is taken twice")));
        } else if port.protocol == "tcp" && EDGE_HUB_PORTS.contains(&port.port) {
            outcomes.push(Outcome::failed(
                place(),
                format!("{shown} is the edge hub's"),
            ));
        }
    }
    if outcomes.is_empty() {
        let place = plan_place(plan);
        outcomes.push(if ports.is_empty() {
            Outcome::not_applicable(place, "no host port is published")
        } else {
            let names = ports
                .iter()
                .map(|port| format!("{}/{}", port.port, port.protocol));
            Outcome::passed(place, format!("host ports {}", listed(names)))
        });
    }
    outcomes
}

/// A host port that is left to the customer is none yet.
fn is_open(options: &CreateOptions, pointer: &str) -> bool {
    let whole = serde_json::Value::Object(options.members().clone());
    let text = whole.pointer(pointer).and_then(|value| value.as_str());
    text.is_some_and(|text| domain::placeholder::scan(text).next().is_some())
}
