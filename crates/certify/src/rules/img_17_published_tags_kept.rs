//! IMG-17: tags that were published stay listed.

use std::collections::BTreeSet;

use crate::places::{each_known, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-17",
    title: "Tags published before are still listed",
    level: Level::Warn,
    waivable: true,
    sources: &["T-10", "§6.3"],
    why: "Deployments in the field name these tags. What was published stays pullable here, but the publisher should \
          know that it is no longer listed.",
    fix: "List the tag again, or hide the version in the portal when it is out of support.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_known(subject, |plan| {
        let place = plan_place(plan);
        let published: BTreeSet<&String> = subject
            .releases(&plan.plan)
            .flat_map(|release| &release.tags)
            .collect();
        if published.is_empty() {
            return vec![Outcome::not_applicable(
                place,
                "no tag was published before",
            )];
        }
        let gone: Vec<&&String> = published
            .iter()
            .filter(|tag| !plan.image.tags.contains(tag))
            .collect();
        vec![if gone.is_empty() {
            Outcome::passed(
                place,
                counted(published.len(), "published tag", "published tags") + ", all listed",
            )
        } else {
            Outcome::failed(place, format!("no longer listed: {}", listed(gone)))
        }]
    })
}
