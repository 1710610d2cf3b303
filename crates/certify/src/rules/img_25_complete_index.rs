//! IMG-25: everything that a version names is there.

use oci::{Descriptor, Digest};

use super::img_19_platform_claims::is_attestation;
use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-25",
    title: "Every manifest and configuration that the tags lead to exists",
    level: Level::Block,
    waivable: false,
    sources: &["T-03", "T-13"],
    why: "An index may list an image that nobody pushed; the devices of that platform would fail to pull.",
    fix: "Push the image named, then the index again.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let place = plan_place(plan);
        if !subject.imported {
            return vec![Outcome::not_run(place, "image not fetched")];
        }
        let Some(evidence) = subject.evidence(&plan.plan) else {
            return vec![Outcome::failed(
                place,
                "the image of this plan was not read",
            )];
        };
        if evidence.by_itself {
            return vec![Outcome::not_run(
                place,
                "the image was given by itself, without its index",
            )];
        }
        if evidence.root.is_none() {
            return vec![Outcome::failed(
                place,
                "the newest version does not resolve",
            )];
        }
        let mut gaps: Vec<String> = evidence
            .tags
            .iter()
            .flat_map(|(tag, digest)| gaps(evidence, tag, digest))
            .collect();
        gaps.extend(unexamined(evidence));
        gaps.sort();
        gaps.dedup();
        if gaps.is_empty() {
            let manifests = counted(evidence.manifests.len(), "manifest", "manifests");
            let told = match evidence.left_out.len() {
                0 => format!("{manifests}, nothing missing"),
                some => format!("{manifests}, nothing missing; {some} left out by choice"),
            };
            return vec![Outcome::passed(place, told)];
        }
        gaps.into_iter()
            .map(|gap| Outcome::failed(plan_place(plan), gap))
            .collect()
    })
}

/// Manifests below a tag that were not found.
fn gaps(evidence: &PlanEvidence, tag: &str, digest: &Digest) -> Vec<String> {
    let Some(manifest) = evidence.manifests.get(digest) else {
        return vec![format!("{digest}, which the tag {tag} names, is missing")];
    };
    let absent = |child: &&Descriptor| {
        !evidence.manifests.contains_key(&child.digest)
            && !evidence.left_out.contains(&child.digest)
    };
    let children = manifest.children().iter().filter(absent);
    children
        .map(|child| format!("{}, which {digest} lists, is missing", child.digest))
        .collect()
}

/// Images of the newest version whose configuration or evidence is missing: no rule may pass them over in silence.
fn unexamined(evidence: &PlanEvidence) -> Vec<String> {
    let Some(root) = &evidence.root else {
        return Vec::new();
    };
    let children = evidence
        .manifests
        .get(root)
        .map(oci::Manifest::children)
        .unwrap_or_default();
    let images: Vec<&Digest> = if children.is_empty() {
        vec![root]
    } else {
        children
            .iter()
            .filter(|child| !is_attestation(child))
            .map(|child| &child.digest)
            .collect()
    };
    let there = |digest: &Digest| {
        evidence.configs.contains_key(digest)
            && evidence.images.iter().any(|image| &image.digest == digest)
    };
    images
        .into_iter()
        .filter(|digest| evidence.manifests.contains_key(*digest) && !there(digest))
        .map(|digest| format!("the configuration or layers of {digest} were not read"))
        .collect()
}
