//! A module as lists show it: the same facts in the same slots, so that the eye compares down the column.

use app::catalog::{Hit, Memory, Module, ModulePlan};
use certify::Report;
use domain::release::Release;
use oci::Platform;

use super::device::Device;
use crate::format;
use crate::messages::{t, t1, t2, word};
use crate::params::address;
use crate::pieces::PlatformSlot;

/// Slots that every card has, in this order; further platforms follow.
const SLOTS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

/// One card. Empty texts are not known and shown greyed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) publisher: String,
    pub(crate) publisher_href: String,
    pub(crate) verified: bool,
    pub(crate) summary: String,
    pub(crate) platforms: Vec<PlatformSlot>,
    pub(crate) logo: String,
    pub(crate) size: String,
    pub(crate) memory: String,
    pub(crate) price: String,
    pub(crate) passed: u32,
    pub(crate) total: u32,
    pub(crate) waived: u32,
    pub(crate) checked_on: String,
    pub(crate) fit: &'static str,
    pub(crate) verdict: String,
}

impl Card {
    /// The card of a hit for a device, or for any.
    pub(crate) fn of(hit: &Hit, device: Option<&Device>) -> Self {
        let module = &*hit.module;
        let (passed, total, waived) = module.report.as_ref().map_or((0, 0, 0), counts);
        let id = device.map(|device| device.id.as_str()).unwrap_or_default();
        let (fit, verdict) = match device {
            None => ("", String::new()),
            Some(device) => verdict(module, device),
        };
        Self {
            id: module.key.to_string(),
            href: address(&path(module), [("device", id)]),
            title: module.title.clone(),
            publisher: module.publisher_title.clone(),
            publisher_href: format!("/publishers/{}", module.key.publisher),
            verified: module.verified,
            summary: module.summary.clone(),
            platforms: slots(&module.platforms),
            logo: logo(&module.logos.medium),
            size: size(module, device),
            memory: memory(module, device).unwrap_or_default(),
            price: prices(module).join(", "),
            passed,
            total,
            waived,
            checked_on: module
                .report
                .as_ref()
                .map(|r| format::day(r.checked_at))
                .unwrap_or_default(),
            fit,
            verdict,
        }
    }
}

/// The address of a module's page.
pub(crate) fn path(module: &Module) -> String {
    format!("/modules/{}/{}", module.key.publisher, module.key.offer)
}

/// Passed, applicable and waived rules of a report.
fn counts(report: &Report) -> (u32, u32, u32) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let judged = (number(report.passed()), number(report.applicable()));
    (judged.0, judged.1, number(report.waived()))
}

/// The address of a logo by its media digest; empty when there is none.
pub(crate) fn logo(reference: &str) -> String {
    let hex = reference.strip_prefix("sha256:");
    hex.map(|hex| format!("/media/sha256/{hex}"))
        .unwrap_or_default()
}

fn slots(present: &[Platform]) -> Vec<PlatformSlot> {
    let names: Vec<String> = present.iter().map(ToString::to_string).collect();
    let short = |name: &str| name.strip_prefix("linux/").unwrap_or(name).to_owned();
    let fixed = SLOTS.iter().map(|slot| PlatformSlot {
        label: short(slot),
        present: names.iter().any(|name| name == slot),
    });
    let others = names.iter().filter(|name| !SLOTS.contains(&name.as_str()));
    let others = others.map(|name| PlatformSlot {
        label: short(name),
        present: true,
    });
    fixed.chain(others).collect()
}

/// Words for the price models of the public plans, each once.
pub(crate) fn prices(module: &Module) -> Vec<String> {
    let mut words = Vec::new();
    for plan in module.public_plans() {
        let said = word("price_short", plan.price.model()).into_owned();
        if !words.contains(&said) {
            words.push(said);
        }
    }
    words
}

/// Does it run there, and if not, why. The first plan that has the platform decides.
pub(crate) fn verdict(module: &Module, device: &Device) -> (&'static str, String) {
    if module.platforms.contains(&device.platform) {
        return ("fits", t2("fit.fits_on", &device.label, &device.platform));
    }
    let has: Vec<String> = module.platforms.iter().map(ToString::to_string).collect();
    ("not", t2("fit.not_on", &device.platform, has.join(", ")))
}

/// Bytes to download for a platform.
pub(crate) fn bytes_on(release: &Release, platform: &Platform) -> Option<u64> {
    let same = release
        .platforms
        .iter()
        .find(|p| p.platform.is_same(platform));
    same.map(|p| p.compressed_bytes)
}

fn newest(plan: &ModulePlan) -> Option<&Release> {
    plan.releases.first()
}

/// The download for the device, or the least of all platforms.
fn size(module: &Module, device: Option<&Device>) -> String {
    let releases = || module.public_plans().filter_map(newest);
    if let Some(device) = device {
        let on = releases().find_map(|release| bytes_on(release, &device.platform));
        return on.map_or_else(|| t("module.no_image").to_owned(), format::bytes);
    }
    let all = releases().flat_map(|release| release.platforms.iter().map(|p| p.compressed_bytes));
    let all: Vec<u64> = all.collect();
    match (all.iter().min(), all.iter().max()) {
        (Some(least), Some(most)) if format::bytes(*least) == format::bytes(*most) => {
            format::bytes(*least)
        }
        (Some(least), Some(_)) => t1("module.size_from", format::bytes(*least)),
        _ => String::new(),
    }
}

/// What it used on the device's platform, or at most on any, when it ran; else its declared limit.
fn memory(module: &Module, device: Option<&Device>) -> Option<String> {
    let memory = module.memory(device.map(|device| &device.platform))?;
    Some(match memory {
        Memory::Measured(bytes) => t1("module.memory_measured", format::memory(bytes)),
        Memory::Limit(bytes) => t1("module.memory_limit", format::memory(bytes)),
    })
}

/// Every platform of a list in one line.
pub(crate) fn platforms_line(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return t("module.unknown").to_owned();
    }
    let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{logo, slots};

    #[test]
    fn slots_keep_their_places() {
        let found = slots(&[
            "linux/arm64".parse().unwrap(),
            "windows/amd64".parse().unwrap(),
        ]);
        let shown: Vec<(&str, bool)> = found
            .iter()
            .map(|s| (s.label.as_str(), s.present))
            .collect();
        assert_eq!(
            shown,
            [
                ("amd64", false),
                ("arm64", true),
                ("arm/v7", false),
                ("windows/amd64", true)
            ]
        );
    }

    #[test]
    fn only_digests_become_addresses() {
        assert_eq!(logo("sha256:ab"), "/media/sha256/ab");
        assert_eq!(logo("logos/40x40.png"), "");
    }
}
