//! IMG-01: tags of an image for several platforms name an index.

use domain::offer::PlatformOption;
use domain::tag::Version;
use oci::ManifestKind;

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-01",
    title: "`latest` and every version name a multi-platform index",
    level: Level::Block,
    waivable: false,
    sources: &["T-11", "§4.2", "§5.2"],
    why: "A device asks for one tag and must be given the image for its own processor. One platform alone may do \
          without an index.",
    fix: "Push the tag as an image index (manifest list) that lists every platform.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let several = plan.platforms.len() > 1;
        if subject.offer.properties.platforms == PlatformOption::Any && !several {
            let why = "one platform alone may do without an index";
            return vec![Outcome::not_applicable(plan_place(plan), why)];
        }
        let outcomes = evidence
            .tags
            .keys()
            .filter(|tag| *tag == "latest" || tag.parse::<Version>().is_ok())
            .map(|tag| judge(evidence, tag, format!("{}, tag {tag}", plan_place(plan))));
        outcomes.collect()
    })
}

fn judge(evidence: &PlanEvidence, tag: &str, place: String) -> Outcome {
    let manifest = evidence
        .tags
        .get(tag)
        .and_then(|digest| evidence.manifests.get(digest));
    match manifest {
        None => Outcome::not_run(place, "the manifest was not read"),
        Some(manifest) if manifest.kind() == ManifestKind::Index => Outcome::passed(
            place,
            format!(
                "an index of {}",
                counted(manifest.children().len(), "entry", "entries")
            ),
        ),
        Some(manifest) => {
            Outcome::failed(place, format!("a single image, {}", manifest.media_type))
        }
    }
}
