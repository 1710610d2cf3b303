//! LST-06: the licence of what is inside the image is stated.

use crate::places::violations;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-06",
    title: "The licence of the software is stated",
    level: Level::Block,
    waivable: false,
    sources: &["T-31"],
    why: "Customers must know under which licence they run the module and what is bundled in it.",
    fix: "Give an SPDX expression such as `MIT OR Apache-2.0`, or the name of your licence.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    let licence = &subject.offer.properties.licence;
    violations(subject, &format!("licence {licence}"), |violation| {
        violation.is_error() && violation.field == "properties.licence"
    })
}
