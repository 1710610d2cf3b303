//! DEF-08: desired properties keep within the limits of the hub.

use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-08",
    title: "Desired properties keep within the limits of the hub",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "§4.3", "§12.7"],
    why: "The hub refuses a twin with arrays, forbidden characters in keys, numbers out of range, or too much depth or size.",
    fix: "Shorten, flatten or rename the property.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(
        subject,
        "every desired property is within the limits",
        |violation| {
            violation.is_error()
                && defaults_field(violation).is_some_and(|field| field.starts_with("twin"))
        },
    )
}
