//! LST-08: texts keep to the recommended lengths and the allowed markup.

use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-08",
    title: "Texts keep to the recommended lengths, categories and markup",
    level: Level::Warn,
    waivable: true,
    sources: &["T-35", "§2.8", "§14.1"],
    why: "Longer titles are cut off on cards, markup outside the subset is removed, and an offer without a category \
          is missed by those who browse.",
    fix: "Follow the recommendation, or accept the loss.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "every recommendation is followed", |violation| {
        !violation.is_error() && defaults_field(violation).is_none()
    })
}
