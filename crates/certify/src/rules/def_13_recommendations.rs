//! DEF-13: defaults keep to the classic form and avoid known surprises.

use super::container::is_port_field;
use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-13",
    title: "Defaults keep to the classic form and avoid known surprises",
    level: Level::Warn,
    waivable: true,
    sources: &["T-15", "T-39", "§4.3", "§12.6"],
    why: "Older tools take five entries of each kind and 511 bytes each; options such as `Env` inside the createOptions \
          override what the customer sets elsewhere.",
    fix: "Follow the advice given, or accept that older tools cannot take the module.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "every recommendation is followed", |violation| {
        // Routes to others are DEF-11's, ports DEF-07's.
        let own = |field: &str| !field.starts_with("routes.") && !is_port_field(field);
        !violation.is_error() && defaults_field(violation).is_some_and(own)
    })
}
