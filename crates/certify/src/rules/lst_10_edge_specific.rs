//! LST-10: the module has something to do at the edge.

use domain::offer::{ModuleKind, Plan};

use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "LST-10",
    title: "The module takes part in the edge: it has routes, inputs or outputs, or serves a module that has",
    level: Level::Review,
    waivable: true,
    sources: &["T-30"],
    why: "The marketplace lists modules made for the edge, not any container. Without a route, an input, an output or \
          a module that it serves, nothing says what it does there, and a person asks.",
    fix: "Name the inputs and outputs of the module and give a default route, or declare it a companion.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    let properties = &subject.offer.properties;
    let companion = properties.kind == ModuleKind::Companion && !properties.companion_of.is_empty();
    each_plan(subject, |plan| {
        let place = plan_place(plan);
        vec![if companion {
            Outcome::passed(place, format!("serves {}", properties.companion_of))
        } else if takes_part(plan) {
            Outcome::passed(
                place,
                format!(
                    "{}, {}, {}",
                    counted(plan.defaults.routes.len(), "route", "routes"),
                    counted(plan.inputs.len(), "input", "inputs"),
                    counted(plan.outputs.len(), "output", "outputs")
                ),
            )
        } else {
            Outcome::failed(place, "no route, no input and no output")
        }]
    })
}

fn takes_part(plan: &Plan) -> bool {
    !plan.defaults.routes.is_empty() || !plan.inputs.is_empty() || !plan.outputs.is_empty()
}
