//! DEF-09: defaults hold no passwords or keys, and no blank ones.

use domain::offer::Plan;
use serde_json::Value;

use super::container;
use crate::literal::{is_secret_name, is_written_down, secret_in_text};
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-09",
    title: "No literal or blank passwords and keys in the defaults",
    level: Level::Block,
    waivable: true,
    sources: &["100.11", "edge-runtime §6"],
    why: "A default password is the same on every device of every customer, and known to all of them.",
    fix: "Put a placeholder such as <MY_PASSWORD> there, so that each customer gives their own.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let mut found = Vec::new();
        for variable in &plan.defaults.env {
            note(
                &format!("env.{}", variable.name),
                &variable.name,
                &variable.value,
                &mut found,
            );
        }
        for property in &plan.defaults.twin {
            walk(
                &format!("twin.{}", property.name),
                &property.name,
                &property.value,
                &mut found,
            );
        }
        for entry in container_env(plan) {
            let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
            note(
                &format!("create_options.Env.{name}"),
                name,
                value,
                &mut found,
            );
        }
        if found.is_empty() {
            return vec![Outcome::passed(plan_place(plan), "none found")];
        }
        found
            .into_iter()
            .map(|(field, what)| {
                Outcome::failed(format!("plans.{}.defaults.{field}", plan.plan), what)
            })
            .collect()
    })
}

fn container_env(plan: &Plan) -> Vec<String> {
    let env = container::member(&plan.defaults, "Env");
    let items = env.as_ref().and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn walk(field: &str, name: &str, value: &Value, found: &mut Vec<(String, &'static str)>) {
    match value {
        Value::String(text) => note(field, name, text, found),
        Value::Number(_) if is_secret_name(name) => {
            found.push((field.to_owned(), "a literal password or key"));
        }
        Value::Object(members) => {
            for (key, item) in members {
                walk(&format!("{field}.{key}"), key, item, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(field, name, item, found)),
        Value::Number(_) | Value::Null | Value::Bool(_) => {}
    }
}

/// What is found is named, never repeated: reports are read by more people than the offer.
fn note(field: &str, name: &str, value: &str, found: &mut Vec<(String, &'static str)>) {
    let what = if is_secret_name(name) && value.trim().is_empty() {
        "a blank password or key"
    } else if is_secret_name(name) && is_written_down(value) {
        "a literal password or key"
    } else if let Some(what) = secret_in_text(value) {
        what
    } else {
        return;
    };
    found.push((field.to_owned(), what));
}
