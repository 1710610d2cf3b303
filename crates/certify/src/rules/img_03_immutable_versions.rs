//! IMG-03: a published version names what it always named.

use std::collections::BTreeMap;

use domain::offer::Plan;
use oci::Digest;

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "IMG-03",
    title: "Published versions still name the same image",
    level: Level::Block,
    waivable: false,
    sources: &["T-08", "§6.1"],
    why: "A version is a promise: who froze it must get the same bytes for ever, and its certificate is bound to them.",
    fix: "Give the changed image a new, higher version, and let the old tag name the old image again.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        if let Some(why) = &subject.unasked {
            return vec![Outcome::not_run(plan_place(plan), why)];
        }
        let published: BTreeMap<String, &Digest> = subject
            .releases(&plan.plan)
            .map(|release| (release.version.to_string(), &release.digest))
            .collect();
        if published.is_empty() && evidence.moved_tags.is_empty() {
            return vec![Outcome::not_applicable(
                plan_place(plan),
                "no version was published before",
            )];
        }
        let moved = moved(plan, evidence, &published);
        if moved.is_empty() {
            let told = match published.len() {
                1 => "the published version is unchanged".to_owned(),
                count => format!("{count} published versions are unchanged"),
            };
            return vec![Outcome::passed(plan_place(plan), told)];
        }
        moved
    })
}

fn moved(
    plan: &Plan,
    evidence: &PlanEvidence,
    published: &BTreeMap<String, &Digest>,
) -> Vec<Outcome> {
    let mut found: BTreeMap<&str, (&Digest, &Digest)> = evidence
        .moved_tags
        .iter()
        .map(|moved| (moved.tag.as_str(), (&moved.published, &moved.found)))
        .collect();
    for (tag, was) in published {
        if let Some(is) = evidence.tags.get(tag)
            && is != *was
        {
            found.insert(tag, (was, is));
        }
    }
    found
        .into_iter()
        .map(|(tag, (was, is))| {
            let evidence = format!("{tag} was published as {was} and now names {is}");
            Outcome::failed(format!("{}, tag {tag}", plan_place(plan)), evidence)
        })
        .collect()
}
