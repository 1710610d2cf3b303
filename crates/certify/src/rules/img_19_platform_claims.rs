//! IMG-19: an index does not lie about the platforms of its images.

use oci::{Descriptor, ImageConfig};

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-19",
    title: "The platform in the index equals the platform in the image's own configuration",
    level: Level::Block,
    waivable: false,
    sources: &["T-14"],
    why: "A device picks its image by the index. If the index says amd64 and the image is arm64, it pulls what it \
          cannot run.",
    fix: "Build the image for the platform it is listed under, and write the index anew with the builder's own tool.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let children = evidence
            .manifests
            .values()
            .flat_map(oci::Manifest::children);
        let lies: Vec<Outcome> = children
            .filter(|child| !is_attestation(child))
            .filter_map(|child| {
                let config = evidence.configs.get(&child.digest)?;
                let lie = lie(child, config)?;
                Some(Outcome::failed(
                    format!("{}, {}", plan_place(plan), child.digest),
                    lie,
                ))
            })
            .collect();
        if !lies.is_empty() {
            return unique(lies);
        }
        vec![truth(evidence, plan_place(plan))]
    })
}

/// Entries for `unknown/unknown` carry attestations, not images.
pub(super) fn is_attestation(child: &Descriptor) -> bool {
    child
        .platform
        .as_ref()
        .is_some_and(oci::Platform::is_unknown)
        || child.annotations.contains_key("vnd.docker.reference.type")
}

fn truth(evidence: &PlanEvidence, place: String) -> Outcome {
    match evidence.configs.len() {
        0 => Outcome::not_run(place, "no image configuration was read"),
        count => {
            let images = counted(count, "image", "images");
            Outcome::passed(place, format!("{images}, as the index says"))
        }
    }
}

fn lie(child: &Descriptor, config: &ImageConfig) -> Option<String> {
    let said = child.platform.as_ref();
    let is = config.platform();
    match (said, is) {
        (None, _) => Some("the index names no platform for this image".to_owned()),
        (Some(said), Ok(Some(is))) if said.is_same(&is) => None,
        (Some(said), Ok(Some(is))) => Some(format!("the index says {said}, the image says {is}")),
        (Some(said), Ok(None)) => Some(format!(
            "the index says {said}, the image does not say what it is"
        )),
        (Some(said), Err(error)) => Some(format!("the index says {said}, the image says: {error}")),
    }
}

/// The same child may stand in several indexes: `latest` and the version often differ by nothing else.
fn unique(mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    outcomes.sort_by(|a, b| (&a.place, &a.evidence).cmp(&(&b.place, &b.evidence)));
    outcomes.dedup();
    outcomes
}
