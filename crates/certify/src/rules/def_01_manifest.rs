//! DEF-01: the defaults make a valid deployment manifest.

use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-01",
    title: "The default module name and settings make a valid module entry",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "§4.6", "§12.2"],
    why: "One click deploys the defaults as they stand; what the edge agent refuses cannot be deployed.",
    fix: "Correct the field named.",
    check,
};

/// Sections that have a rule of their own: DEF-02, DEF-03, DEF-04 with DEF-07, DEF-08.
const SECTIONS: &[&str] = &["routes", "env", "create_options", "twin"];

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "the module entries are valid", |violation| {
        let elsewhere = |field: &str| SECTIONS.iter().any(|section| field.starts_with(section));
        violation.is_error() && defaults_field(violation).is_some_and(|field| !elsewhere(field))
    })
}
