//! IMG-09: the image says when it was built, and what on.

use crate::places::each_image;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{PlanEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "IMG-09",
    title: "The image states the date of its build",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "The age of an image tells how many security fixes of its base it lacks. The base image is noted when stated.",
    fix: "Let the builder set `created`; for reproducible builds set SOURCE_DATE_EPOCH to the date of the sources.",
    check,
};

/// Before this year there were no such images: an older date stands for "unknown".
const YEAR_MIN: u32 = 2013;
const BASE_NAME: &str = "org.opencontainers.image.base.name";

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, |evidence, image, place| {
        let Some(config) = evidence.configs.get(&image.digest) else {
            return Outcome::not_run(place, "the image configuration was not read");
        };
        match config.created.as_deref() {
            None => Outcome::failed(place, "no date"),
            Some(date) if year(date).is_some_and(|year| year >= YEAR_MIN) => Outcome::passed(
                place,
                format!("built {date}{}", base(evidence, &image.digest)),
            ),
            Some(date) => {
                let short: String = date.chars().take(40).collect();
                Outcome::failed(place, format!("{short:?} is no date of a build"))
            }
        }
    })
}

fn base(evidence: &PlanEvidence, digest: &oci::Digest) -> String {
    let annotation = evidence
        .manifests
        .get(digest)
        .and_then(|manifest| manifest.annotations().get(BASE_NAME));
    let label = evidence
        .configs
        .get(digest)
        .and_then(|config| config.labels.get(BASE_NAME));
    match annotation.or(label) {
        Some(name) => format!(" on {}", name.chars().take(200).collect::<String>()),
        None => ", base image not stated".to_owned(),
    }
}

/// The year of an RFC 3339 date and time.
fn year(date: &str) -> Option<u32> {
    let shape: String = date
        .chars()
        .take(19)
        .map(|c| {
            if c.is_ascii_digit() {
                '0'
            } else {
                c.to_ascii_uppercase()
            }
        })
        .collect();
    (shape == "0000-00-00T00:00:00").then(|| date[..4].parse().ok())?
}
