//! LST-07: the minimum-hardware paragraph names the architectures the images have.

use std::collections::BTreeSet;

use oci::Platform;

use super::hardware;
use crate::places::listed;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-07",
    title: "The minimum hardware names the architectures that the images have",
    level: Level::Warn,
    waivable: true,
    sources: &["T-25"],
    why: "The paragraph is what people read; when it disagrees with the images one of the two is out of date.",
    fix: "Bring the paragraph in line with the platforms of the plans.",
    check,
};

const PLACE: &str = "listing.description";

fn check(subject: &Subject) -> Vec<Outcome> {
    let said = match hardware::read(&subject.offer.listing.description) {
        Some(read) if !read.architectures.is_empty() => read.architectures,
        _ => {
            return vec![Outcome::not_applicable(
                PLACE,
                "no architecture is named; see LST-03",
            )];
        }
    };
    let said: BTreeSet<String> = said.into_iter().map(str::to_owned).collect();
    let built = built(subject);
    if built.is_empty() {
        return vec![Outcome::not_applicable(PLACE, "no plan has a platform")];
    }
    let unsaid: Vec<&String> = built.difference(&said).collect();
    let unbuilt: Vec<&String> = said.difference(&built).collect();
    let faults: Vec<String> = [
        (!unsaid.is_empty()).then(|| format!("does not name {}", listed(unsaid))),
        (!unbuilt.is_empty()).then(|| format!("names {}, which no plan has", listed(unbuilt))),
    ]
    .into_iter()
    .flatten()
    .collect();
    vec![if faults.is_empty() {
        Outcome::passed(PLACE, format!("names {}", listed(&built)))
    } else {
        Outcome::failed(PLACE, format!("the paragraph {}", faults.join(" and ")))
    }]
}

/// Architectures of the images where they were fetched, all that there are, else of the declared platforms.
fn built(subject: &Subject) -> BTreeSet<String> {
    let short = |platform: &Platform| {
        let platform = platform.normalized();
        match platform.variant {
            Some(variant) => format!("{}/{variant}", platform.architecture),
            None => platform.architecture,
        }
    };
    if subject.imported && !subject.plans.iter().any(|plan| plan.by_itself) {
        let images = subject.plans.iter().flat_map(|plan| &plan.images);
        images.map(|image| short(&image.platform)).collect()
    } else {
        let declared = subject.offer.plans.iter().flat_map(|plan| &plan.platforms);
        declared
            .filter_map(|text| text.parse::<Platform>().ok())
            .map(|platform| short(&platform))
            .collect()
    }
}
