//! Plans side by side, the versions of a plan, and the commands that pull an image by digest.

use app::App;
use domain::offer::Price;
use domain::release::Release;

use super::Chosen;
use crate::format;
use crate::messages::{t, word};
use crate::pieces::Fact;

/// One plan of several.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) facts: Vec<Fact>,
    pub(super) price: String,
    pub(super) price_detail: String,
    pub(super) href: String,
    pub(super) current: bool,
}

/// One version of a plan.
pub(super) struct VersionRow {
    pub(super) version: String,
    pub(super) href: String,
    pub(super) current: bool,
    pub(super) released: String,
    pub(super) released_machine: String,
    pub(super) tags: String,
    pub(super) sizes: Vec<(String, String)>,
    pub(super) digest: String,
    pub(super) notes: String,
}

/// The listed plans, and the chosen one when it is hidden.
pub(super) fn columns(chosen: &Chosen<'_>) -> Vec<Column> {
    let shown = chosen
        .module
        .plans
        .iter()
        .filter(|p| !p.hidden || p.plan == chosen.plan.plan);
    shown
        .filter_map(|plan| {
            let newest = plan.releases.first()?;
            let fact = |label: &str, value: String| Fact {
                label: label.to_owned(),
                value,
            };
            Some(Column {
                title: plan.title.clone(),
                summary: plan.summary.clone(),
                description: plan.description.clone(),
                facts: vec![
                    fact(t("plans.version"), newest.version.to_string()),
                    fact(t("plans.platforms"), sizes_line(newest)),
                    fact(t("plans.module_name"), newest.defaults.module_name.clone()),
                    fact(t("plans.routes"), newest.defaults.routes.len().to_string()),
                    fact(
                        t("plans.placeholders"),
                        placeholders_line(plan.placeholders.iter().map(|p| p.name.as_str())),
                    ),
                    fact(t("plans.repository"), plan.repository.clone()),
                ],
                price: word("price", plan.price.model()).into_owned(),
                price_detail: price_detail(&plan.price).to_owned(),
                href: chosen.href("plans", plan.plan.as_str(), ""),
                current: plan.plan == chosen.plan.plan,
            })
        })
        .collect()
}

fn price_detail(price: &Price) -> &str {
    match price {
        Price::Free => "",
        Price::Byol {
            licence_instructions,
        } => licence_instructions,
        Price::Freemium { restrictions } => restrictions,
    }
}

fn placeholders_line<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        t("plans.no_placeholders").to_owned()
    } else {
        names.join(", ")
    }
}

fn sizes_line(release: &Release) -> String {
    let sizes = sizes(release);
    let said: Vec<String> = sizes
        .into_iter()
        .map(|(platform, size)| format!("{platform} {size}"))
        .collect();
    said.join(", ")
}

fn sizes(release: &Release) -> Vec<(String, String)> {
    let one = |p: &domain::release::ReleasePlatform| {
        (p.platform.to_string(), format::bytes(p.compressed_bytes))
    };
    release.platforms.iter().map(one).collect()
}

/// The versions of the chosen plan, newest first.
pub(super) fn versions(chosen: &Chosen<'_>) -> Vec<VersionRow> {
    let releases = &chosen.plan.releases;
    // Notes are written for the newest version of a submission; older ones that came along repeat them.
    let notes = |at: usize, release: &Release| {
        let newer = releases[..at]
            .iter()
            .any(|other| other.submission == release.submission && other.notes == release.notes);
        if newer {
            String::new()
        } else {
            release.notes.clone()
        }
    };
    let row = |(at, release): (usize, &Release)| VersionRow {
        version: release.version.to_string(),
        href: chosen.href(
            "overview",
            chosen.plan.plan.as_str(),
            &release.version.to_string(),
        ),
        current: release.version == chosen.release.version,
        released: format::day(release.released_at),
        released_machine: format::machine(release.released_at),
        tags: release.tags.join(", "),
        sizes: sizes(release),
        digest: release.digest.to_string(),
        notes: notes(at, release),
    };
    releases.iter().enumerate().map(row).collect()
}

/// Commands for the clients people have. A registry without TLS needs to be allowed by name.
pub(super) fn pulls(app: &App, chosen: &Chosen<'_>) -> Vec<(&'static str, String)> {
    let reference = chosen.reference(app);
    let plain = app.settings.public_url.scheme() == "http";
    let (skopeo, podman) = if plain {
        ("--src-tls-verify=false ", "--tls-verify=false ")
    } else {
        ("", "")
    };
    let folder = chosen.module.key.offer.as_str();
    vec![
        ("docker", format!("docker pull {reference}")),
        ("podman", format!("podman pull {podman}{reference}")),
        (
            "skopeo",
            format!(
                "skopeo copy --all {skopeo}docker://{reference} oci:{folder}:{}",
                chosen.release.version
            ),
        ),
    ]
}
