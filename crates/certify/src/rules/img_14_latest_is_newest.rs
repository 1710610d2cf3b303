//! IMG-14: `latest` names the newest version.

use std::collections::BTreeSet;

use domain::tag::newest;
use oci::Digest;

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "IMG-14",
    title: "`latest` names the same image as the newest version",
    level: Level::Block,
    waivable: false,
    sources: &["T-07", "§6.1"],
    why: "Who follows `latest` must get what was certified as the newest version, and nothing else.",
    fix: "Push the newest version and `latest` together.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let place = plan_place(plan);
        let version = newest(plan.image.tags.iter().map(String::as_str));
        let newest = version.and_then(|version| evidence.tags.get(&version.to_string()));
        let (Some(version), Some(newest), Some(latest)) =
            (version, newest, evidence.tags.get("latest"))
        else {
            return vec![Outcome::not_run(
                place,
                "`latest` or the newest version did not resolve",
            )];
        };
        vec![if same(evidence, latest, newest) {
            Outcome::passed(place, format!("latest and {version} name {newest}"))
        } else {
            Outcome::failed(
                place,
                format!("latest names {latest}, {version} names {newest}"),
            )
        }]
    })
}

/// The same manifest, or two indexes of the same images: tools write an index anew for each tag.
fn same(evidence: &PlanEvidence, one: &Digest, other: &Digest) -> bool {
    let children = |digest: &Digest| -> BTreeSet<Digest> {
        let manifest = evidence.manifests.get(digest);
        let children = manifest.map(oci::Manifest::children).unwrap_or_default();
        children.iter().map(|child| child.digest.clone()).collect()
    };
    one == other || (!children(one).is_empty() && children(one) == children(other))
}
