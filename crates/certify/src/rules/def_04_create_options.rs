//! DEF-04: createOptions are a JSON object that the container engine understands.

use super::container::is_port_field;
use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-04",
    title: "createOptions are valid JSON of Docker's ContainerCreate",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "T-39", "§12.6"],
    why: "The agent hands the text to the container engine as it is; what does not parse never starts.",
    fix: "Correct the JSON at the place shown.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "the createOptions parse", |violation| {
        let own = |field: &str| field.starts_with("create_options") && !is_port_field(field);
        violation.is_error() && defaults_field(violation).is_some_and(own)
    })
}
