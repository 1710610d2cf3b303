//! DEF-02: default routes parse, and name inputs and outputs that the plan declares.

use domain::offer::Plan;
use domain::placeholder;
use domain::route::{Route, Sink};

use crate::places::{OFFER, defaults_field, each_plan, listed, plan_place, violations};
use crate::rule::{Level, Outcome, Rule, State};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-02",
    title: "Default routes parse and use declared inputs and outputs",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "T-16", "§12.5"],
    why: "One route that does not parse makes the edge hub refuse its whole configuration; a route to an input that \
          does not exist loses messages in silence.",
    fix: "Correct the route, or declare the input or output it uses.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    let grammar = violations(subject, "every route parses", |violation| {
        violation.is_error()
            && defaults_field(violation).is_some_and(|field| field.starts_with("routes"))
    });
    let mut outcomes: Vec<Outcome> = grammar
        .into_iter()
        .filter(|outcome| outcome.state == State::Failed)
        .collect();
    outcomes.extend(each_plan(subject, judge));
    if outcomes.is_empty() {
        outcomes.push(Outcome::not_applicable(OFFER, "there are no plans"));
    }
    outcomes
}

fn judge(plan: &Plan) -> Vec<Outcome> {
    if plan.defaults.routes.is_empty() {
        return vec![Outcome::not_applicable(
            plan_place(plan),
            "the plan has no routes",
        )];
    }
    let faults: Vec<Outcome> = plan
        .defaults
        .routes
        .iter()
        .filter_map(|route| {
            let parsed = Route::parse(&without_placeholders(&route.value)).ok()?;
            let fault = undeclared(plan, &parsed)?;
            let place = format!("plans.{}.defaults.routes.{}", plan.plan, route.name);
            Some(Outcome::failed(place, fault))
        })
        .collect();
    if faults.is_empty() {
        let names = plan.defaults.routes.iter().map(|route| &route.name);
        return vec![Outcome::passed(
            plan_place(plan),
            format!("routes {}", listed(names)),
        )];
    }
    faults
}

/// A placeholder does not parse in a route; any name in its place does.
fn without_placeholders(route: &str) -> String {
    let names: Vec<&str> = placeholder::scan(route).map(|(_, name)| name).collect();
    names.into_iter().fold(route.to_owned(), |text, name| {
        text.replace(&format!("<{name}>"), "placeholder")
    })
}

/// An input or output of the plan's own module that the plan does not declare. A plan that declares none at all is
/// not held to it.
fn undeclared(plan: &Plan, route: &Route) -> Option<String> {
    let own = |module: &str| module.eq_ignore_ascii_case(&plan.defaults.module_name);
    let absent = |declared: &[String], name: &str| {
        !declared.is_empty() && !declared.iter().any(|each| each.eq_ignore_ascii_case(name))
    };
    if let Sink::Input { module, input } = route.sink()
        && own(&module)
        && absent(&plan.inputs, &input)
    {
        return Some(format!(
            "leads to the input {input}; declared are {}",
            listed(&plan.inputs)
        ));
    }
    let module = route.source_module()?;
    let output = route.source_output()?;
    (own(&module) && absent(&plan.outputs, &output)).then(|| {
        format!(
            "reads the output {output}; declared are {}",
            listed(&plan.outputs)
        )
    })
}
