//! LST-01: every required field is there and within its limits.

use domain::violation::Violation;

use crate::places::{defaults_field, plan_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-01",
    title: "Every required field is there and within its limits",
    level: Level::Block,
    waivable: false,
    sources: &["T-31", "T-32", "T-35", "§2", "§3"],
    why: "A listing that lacks a part cannot be judged, bought or supported. Terms, privacy policy and a way to reach \
          support are owed to every customer.",
    fix: "Fill in or shorten the field named.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(
        subject,
        "all fields are filled in and within their limits",
        |violation| violation.is_error() && !has_a_rule_of_its_own(violation),
    )
}

/// Logos, licence, tags and default configuration have rules that say more.
fn has_a_rule_of_its_own(violation: &Violation) -> bool {
    violation.field.starts_with("listing.logos.")
        || violation.field == "properties.licence"
        || plan_field(violation).is_some_and(|field| field.starts_with("image.tags"))
        || defaults_field(violation).is_some()
}
