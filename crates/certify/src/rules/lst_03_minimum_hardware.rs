//! LST-03: the description ends with the minimum hardware.

use super::hardware;
use crate::places::listed;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-03",
    title: "The last paragraph of the description states the minimum hardware",
    level: Level::Block,
    waivable: false,
    sources: &["T-24", "§2.4"],
    why: "Whoever deploys to a small device must know beforehand whether the module fits it.",
    fix: "End the description with a paragraph such as \"Minimum hardware requirements: Linux on amd64 or arm32v7, \
          64 MB RAM, 100 MB storage\".",
    check,
};

const PLACE: &str = "listing.description";

fn check(subject: &Subject) -> Vec<Outcome> {
    let outcome = match hardware::read(&subject.offer.listing.description) {
        None => Outcome::failed(PLACE, "the description has no paragraph (<p>)"),
        Some(read) if read.missing.is_empty() => Outcome::passed(PLACE, shown(&read.text)),
        Some(read) => Outcome::failed(
            PLACE,
            format!(
                "the last paragraph, \"{}\", does not name {}",
                shown(&read.text),
                listed(read.missing)
            ),
        ),
    };
    vec![outcome]
}

/// A paragraph as evidence, in at most 200 characters.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
