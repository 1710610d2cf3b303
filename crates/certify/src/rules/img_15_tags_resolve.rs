//! IMG-15: every declared tag is in the publisher's registry.

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-15",
    title: "Every declared tag exists in the publisher's registry",
    level: Level::Block,
    waivable: false,
    sources: &["T-01", "T-02", "T-03"],
    why: "A tag that is listed and cannot be pulled breaks the deployment that uses it.",
    fix: "Push the tag, or take it out of the plan's image tags.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let missing: Vec<&String> = plan
            .image
            .tags
            .iter()
            .filter(|tag| evidence.missing_tags.contains(tag) || !evidence.tags.contains_key(*tag))
            .collect();
        if missing.is_empty() {
            let tags = counted(plan.image.tags.len(), "tag", "tags");
            return vec![Outcome::passed(
                plan_place(plan),
                format!("{tags} asked for, none missing in {}", evidence.source),
            )];
        }
        missing
            .into_iter()
            .map(|tag| {
                let place = format!("{}, tag {tag}", plan_place(plan));
                Outcome::failed(place, format!("{} has no tag {tag}", evidence.source))
            })
            .collect()
    })
}
