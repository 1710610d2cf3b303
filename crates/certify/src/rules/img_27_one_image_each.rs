//! IMG-27: a tag offers one image for each platform, and what is no image says so.

use std::collections::BTreeMap;

use oci::{Descriptor, Digest, Platform};

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};
use crate::words::counted;

/// How build tools mark an entry that speaks about an image and is none.
const ATTESTATION: &str = "vnd.docker.reference.type";

pub(super) static RULE: Rule = Rule {
    code: "IMG-27",
    title: "A tag offers one image for each platform, and attestations are marked as such",
    level: Level::Block,
    waivable: false,
    sources: &["T-12", "T-14"],
    why: "Of two images for one platform some engines take the first and some the last, so that what was examined need \
          not be what runs. An entry for a real platform that is marked as an attestation would run unexamined.",
    fix: "List one image for each platform. Give attestations the platform `unknown/unknown` and the annotation \
          `vnd.docker.reference.type`, as `docker buildx` does, and nothing else either of them.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let mut found: Vec<Outcome> = Vec::new();
        for (tag, root) in &evidence.tags {
            let place = || format!("{}, tag {tag}", plan_place(plan));
            let told = twice(evidence, root).into_iter();
            found.extend(told.map(|told| Outcome::failed(place(), told)));
        }
        let entries = evidence.manifests.iter().flat_map(|(index, manifest)| {
            manifest.children().iter().map(move |child| (index, child))
        });
        found.extend(entries.filter_map(|(index, child)| {
            let place = format!("{}, {index}", plan_place(plan));
            Some(Outcome::failed(place, mislabelled(child)?))
        }));
        if found.is_empty() {
            found.push(Outcome::passed(
                plan_place(plan),
                format!(
                    "{}, one image for each platform",
                    counted(evidence.tags.len(), "tag", "tags")
                ),
            ));
        }
        found
    })
}

/// Platforms for which a tag offers several images.
fn twice(evidence: &PlanEvidence, root: &Digest) -> Vec<String> {
    let Some(root) = evidence.manifests.get(root) else {
        return Vec::new();
    };
    let mut by_platform: BTreeMap<Platform, Vec<&Digest>> = BTreeMap::new();
    for (platform, image) in oci::images_of(root, &evidence.manifests, &evidence.configs) {
        by_platform.entry(platform).or_default().push(&image.digest);
    }
    let several = by_platform
        .into_iter()
        .filter(|(_, images)| images.len() > 1);
    several
        .map(|(platform, images)| {
            let images: Vec<String> = images.into_iter().map(ToString::to_string).collect();
            format!(
                "{platform} has {} images: {}",
                images.len(),
                images.join(", ")
            )
        })
        .collect()
}

/// An entry that is neither clearly an image nor clearly an attestation.
fn mislabelled(child: &Descriptor) -> Option<String> {
    let unknown = child.platform.as_ref().is_some_and(Platform::is_unknown);
    let marked = child.annotations.contains_key(ATTESTATION);
    match (unknown, marked) {
        (true, false) => Some(format!(
            "{} is listed for `unknown/unknown` and not marked as an attestation",
            child.digest
        )),
        (false, true) => Some(format!(
            "{} is marked as an attestation and listed for {}",
            child.digest,
            child.platform.as_ref().map_or_else(
                || "no platform".to_owned(),
                |platform| format!("`{platform}`")
            )
        )),
        _ => None,
    }
}
