//! IMG-12: no known serious weaknesses.

use crate::places::{each_image, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-12",
    title: "No known vulnerability of CVSS 7.0 or more",
    level: Level::Block,
    waivable: true,
    sources: &["T-23"],
    why: "Devices in the field stay for years; what is known to be broken today is attacked tomorrow.",
    fix: "Rebuild on a patched base image and update the packages named.",
    check,
};

/// The lowest score that blocks, in tenths.
const CVSS_TENTHS_BLOCKED: u8 = 70;

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, |_, image, place| {
        let Some(scan) = &image.scan else {
            return Outcome::not_run(place, "no scanner is configured");
        };
        let serious: Vec<String> = scan
            .vulnerabilities
            .iter()
            .filter(|each| each.cvss_tenths >= CVSS_TENTHS_BLOCKED)
            .map(|each| {
                let (whole, tenth) = (each.cvss_tenths / 10, each.cvss_tenths % 10);
                format!("{} in {} ({whole}.{tenth})", each.id, each.package)
            })
            .collect();
        if serious.is_empty() {
            let lesser = scan.vulnerabilities.len();
            Outcome::passed(place, format!("{}: none, {lesser} below 7.0", scan.scanner))
        } else {
            Outcome::failed(place, format!("{}: {}", scan.scanner, listed(serious)))
        }
    })
}
