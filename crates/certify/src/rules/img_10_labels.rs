//! IMG-10: labels say what the image is.

use crate::places::{each_image, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-10",
    title: "Labels state title, version and licences",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Who finds the image on a device, far from the marketplace, learns from its labels what it is.",
    fix: "Set the labels org.opencontainers.image.title, .version and .licenses when you build the image.",
    check,
};

const WANTED: &[&str] = &[
    "org.opencontainers.image.title",
    "org.opencontainers.image.version",
    "org.opencontainers.image.licenses",
];

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, |evidence, image, place| {
        let Some(config) = evidence.configs.get(&image.digest) else {
            return Outcome::not_run(place, "the image configuration was not read");
        };
        let annotations = evidence
            .manifests
            .get(&image.digest)
            .map(oci::Manifest::annotations);
        let stated = |name: &&&str| {
            let of_config = config.labels.get(**name);
            let of_manifest = annotations.and_then(|annotations| annotations.get(**name));
            of_config
                .or(of_manifest)
                .is_some_and(|text| !text.trim().is_empty())
        };
        let missing: Vec<&&str> = WANTED.iter().filter(|name| !stated(name)).collect();
        if missing.is_empty() {
            Outcome::passed(place, listed(WANTED))
        } else {
            Outcome::failed(place, format!("without {}", listed(missing)))
        }
    })
}
