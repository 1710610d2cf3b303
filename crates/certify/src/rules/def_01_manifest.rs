//! DEF-01: the defaults make a valid deployment manifest.

use std::collections::BTreeMap;

use domain::defaults::{Defaults, check_defaults};
use domain::deployment::{
    Document, Level as Severity, ModuleEntry, Problem, Runtime, full, layered, validate,
};
use domain::offer::Plan;
use domain::placeholder;
use oci::Digest;

use super::container::is_port_field;
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-01",
    title: "The defaults make a valid deployment manifest, full and layered",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "§4.6", "§12"],
    why: "One click deploys the defaults as they stand; what the hub or the edge agent refuses cannot be deployed.",
    fix: "Correct the field named.",
    check,
};

/// Sections that have a rule of their own: DEF-02, DEF-03, DEF-04 with DEF-07, DEF-08.
const SECTIONS: &[&str] = &["routes", "env", "create_options", "twin"];

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| judge(subject, plan))
}

fn judge(subject: &Subject, plan: &Plan) -> Vec<Outcome> {
    let errors = check_defaults(&plan.defaults)
        .into_iter()
        .filter(domain::violation::Violation::is_error);
    let (elsewhere, own): (Vec<_>, Vec<_>) = errors.partition(|violation| {
        SECTIONS
            .iter()
            .any(|section| violation.field.starts_with(section))
    });
    if !own.is_empty() {
        let failed = own.into_iter().map(|violation| {
            let place = format!("plans.{}.defaults.{}", plan.plan, violation.field);
            let evidence = format!("{}; found {}", violation.limit, violation.found);
            Outcome::failed(place, evidence).fix(violation.fix)
        });
        return failed.collect();
    }
    if !elsewhere.is_empty() {
        return vec![Outcome::not_run(
            plan_place(plan),
            "the settings themselves are not valid yet",
        )];
    }
    let problems = match problems(subject, plan) {
        Ok(problems) => problems,
        Err(why) => return vec![Outcome::failed(plan_place(plan), why)],
    };
    if problems.is_empty() {
        return vec![Outcome::passed(
            plan_place(plan),
            "a full and a layered manifest are valid",
        )];
    }
    problems
        .into_iter()
        .map(|problem| {
            let place = format!("{}, manifest {}", plan_place(plan), problem.pointer);
            Outcome::failed(
                place,
                format!("{}; expected {}", problem.what, problem.expected),
            )
            .fix(problem.fix)
        })
        .collect()
}

/// Errors in the manifests that one click would deploy. Host ports are DEF-07's.
fn problems(subject: &Subject, plan: &Plan) -> Result<Vec<Problem>, String> {
    let filled = filled(&plan.defaults)?;
    let repository = subject.offer.key().repository(&plan.plan);
    // Whether the host suits the agent is IMG-18's; here any host will do.
    let image = format!("registry.example/{repository}@{}", Digest::sha256_of(&[]));
    let entry = [ModuleEntry::new(&filled, &image, None)];
    let full = full(&entry, &Runtime::default()).map_err(|error| error.to_string())?;
    let layered = layered(&entry).map_err(|error| error.to_string())?;
    let mut problems: Vec<Problem> = Vec::new();
    for problem in [full, layered]
        .iter()
        .flat_map(|value| validate(&Document::from_value(value)))
    {
        let known = problems
            .iter()
            .any(|other| other.pointer == problem.pointer && other.what == problem.what);
        if problem.level == Severity::Error && problem.code != "ports.collision" && !known {
            problems.push(problem);
        }
    }
    Ok(problems)
}

/// The defaults with something that fits in the place of each placeholder, no two the same: a number for a port, a
/// name everywhere else.
fn filled(defaults: &Defaults) -> Result<Defaults, String> {
    const FIRST: usize = 10_001;
    let values: BTreeMap<String, String> = placeholder::find(defaults)
        .into_iter()
        .enumerate()
        .map(|(index, each)| {
            let port = each.places.iter().any(|place| is_port_field(place));
            let number = FIRST + index;
            (
                each.name,
                if port {
                    number.to_string()
                } else {
                    format!("value{number}")
                },
            )
        })
        .collect();
    placeholder::fill(defaults, &values).map_err(|refused| {
        let names: Vec<String> = refused.into_iter().map(|each| each.name).collect();
        format!("the placeholders {} cannot be filled in", names.join(", "))
    })
}
