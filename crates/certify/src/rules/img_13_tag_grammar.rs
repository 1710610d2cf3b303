//! IMG-13: tags have a form that tells versions apart.

use crate::places::{plan_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-13",
    title: "Every tag is latest, X.Y, X.Y.Z, X.Y-suffix or X.Y.Z-suffix",
    level: Level::Block,
    waivable: false,
    sources: &["T-06", "§4.2"],
    why: "From the form of a tag the marketplace and its clients tell a version from a pointer, and the newest version \
          from the others.",
    fix: "Tag the image again in one of these forms.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "every tag has one of the forms", |violation| {
        let of_one_tag =
            plan_field(violation).is_some_and(|field| field.starts_with("image.tags["));
        let too_many =
            plan_field(violation) == Some("image.tags") && !violation.limit.starts_with("required");
        violation.is_error() && (of_one_tag || too_many)
    })
}
