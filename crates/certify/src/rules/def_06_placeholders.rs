//! DEF-06: what the customer must fill in is marked as a placeholder.

use domain::defaults::Defaults;
use domain::placeholder;
use serde_json::Value;

use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-06",
    title: "Placeholders are written in capitals and angle brackets",
    level: Level::Warn,
    waivable: true,
    sources: &["T-17", "§4.3"],
    why: "Placeholders such as <MY_SERVER_IP_ADDRESS> become the form that a customer fills in; a value that only looks \
          like one would be deployed as it stands.",
    fix: "Write it with capital letters, digits and underscores, beginning with a letter.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let place = plan_place(plan);
        let doubtful: Vec<String> = leaves(&plan.defaults)
            .iter()
            .filter_map(|text| look_alike(text))
            .collect();
        if !doubtful.is_empty() {
            return vec![Outcome::failed(
                place,
                format!("no placeholder: {}", listed(doubtful)),
            )];
        }
        let found = placeholder::find(&plan.defaults);
        vec![if found.is_empty() {
            Outcome::not_applicable(place, "nothing is left to fill in: deploys with one click")
        } else {
            let names: Vec<&String> = found.iter().map(|each| &each.name).collect();
            Outcome::passed(place, format!("to fill in: {}", listed(names)))
        }]
    })
}

/// Every text of the defaults in which placeholders are looked for.
pub(super) fn leaves(defaults: &Defaults) -> Vec<String> {
    let mut texts: Vec<String> = defaults
        .routes
        .iter()
        .map(|route| route.value.clone())
        .collect();
    texts.extend(defaults.env.iter().map(|variable| variable.value.clone()));
    for property in &defaults.twin {
        collect(&property.value, &mut texts);
    }
    if let Ok(options) = serde_json::from_str::<Value>(defaults.create_options_text()) {
        collect(&options, &mut texts);
    }
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|item| collect(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `<my-server>`, `<My server>`: what a person takes for a placeholder and the marketplace does not.
fn look_alike(text: &str) -> Option<String> {
    const NAME_CHARS_MAX: usize = 40;
    text.match_indices('<').find_map(|(start, _)| {
        let rest = &text[start + 1..];
        let name = &rest[..rest.find('>')?];
        let plausible = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().count() <= NAME_CHARS_MAX
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " _-.".contains(c));
        let whole = format!("<{name}>");
        (plausible && placeholder::scan(&whole).next().is_none()).then_some(whole)
    })
}
