//! LST-05: every setting is explained somewhere.

use domain::offer::{Offer, Plan};

use super::container;
use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-05",
    title: "Every setting is documented",
    level: Level::Review,
    waivable: true,
    sources: &["T-28"],
    why: "A default that nobody explains cannot be changed safely. Names are looked for in the descriptions and in \
          the documentation pages that could be read; a person decides when one is not found.",
    fix: "Explain the setting by its name in the description of the offer or of the plan.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let settings = settings(plan);
        if settings.is_empty() {
            return vec![Outcome::not_applicable(
                plan_place(plan),
                "the plan has no settings",
            )];
        }
        let texts = texts(subject, plan);
        let unexplained: Vec<&String> = settings
            .iter()
            .filter(|name| !texts.iter().any(|text| names(text, name)))
            .collect();
        vec![if unexplained.is_empty() {
            Outcome::passed(plan_place(plan), format!("found {}", listed(&settings)))
        } else {
            Outcome::failed(
                plan_place(plan),
                format!(
                    "not found in any description or documentation page: {}",
                    listed(unexplained)
                ),
            )
        }]
    })
}

/// Environment variables, desired properties and published host ports. Routes explain themselves: they are shown
/// whole beside the listing.
fn settings(plan: &Plan) -> Vec<String> {
    let defaults = &plan.defaults;
    let ports = container::host_ports(defaults)
        .into_iter()
        .map(|port| port.port.to_string());
    defaults
        .env
        .iter()
        .map(|variable| variable.name.clone())
        .chain(defaults.twin.iter().map(|property| property.name.clone()))
        .chain(ports)
        .collect()
}

fn texts<'a>(subject: &'a Subject, plan: &'a Plan) -> Vec<&'a str> {
    let Offer { listing, .. } = &subject.offer;
    let pages = subject
        .links
        .iter()
        .flatten()
        .filter_map(|link| link.text.as_deref());
    [
        listing.description.as_str(),
        &listing.short_description,
        &plan.description,
    ]
    .into_iter()
    .chain(pages)
    .collect()
}

/// Does a text hold a name as a whole word?
fn names(text: &str, name: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}
