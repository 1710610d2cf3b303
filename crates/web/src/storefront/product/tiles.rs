//! The fact tiles: does it fit, did it pass, how large, what it asks of the host, what it costs.

use app::catalog::memory_limit;
use certify::Report;
use domain::create_options::{CreateOptions, PrivilegeKind};

use super::Chosen;
use crate::certification;
use crate::format;
use crate::messages::{t, t1, t2, tn, word};
use crate::storefront::card::{bytes_on, platforms_line};

/// One fact.
#[derive(Clone, Debug, Default)]
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) sentence: String,
    pub(super) kind: &'static str,
    pub(super) meaning: String,
}

/// The tiles of a release.
pub(super) fn of(chosen: &Chosen<'_>, report: Option<&Report>) -> Vec<Tile> {
    vec![
        device(chosen),
        checks(report),
        download(chosen),
        privileges(chosen),
    ]
}

fn device(chosen: &Chosen<'_>) -> Tile {
    let has: Vec<oci::Platform> = chosen
        .release
        .platforms
        .iter()
        .map(|p| p.platform.normalized())
        .collect();
    let Some(device) = chosen.device else {
        return Tile {
            label: t("tile.platforms"),
            value: tn("tile.platform_count", has.len()),
            sentence: platforms_line(&has),
            meaning: chosen.module.hardware.clone(),
            ..Tile::default()
        };
    };
    let fits = has.contains(&device.platform);
    Tile {
        label: t("tile.device"),
        value: t(if fits { "tile.fits" } else { "tile.fits_not" }).to_owned(),
        sentence: match fits {
            true => fitting(chosen, &device.platform),
            false => t2("fit.not_on", &device.platform, platforms_line(&has)),
        },
        kind: if fits { "pass" } else { "fail" },
        meaning: t1("tile.device_meaning", &chosen.module.hardware),
    }
}

/// What it takes there: measured, which only the newest release was, or as declared.
fn fitting(chosen: &Chosen<'_>, platform: &oci::Platform) -> String {
    let newest = chosen.plan.releases.first();
    let is_newest = newest.is_some_and(|newest| newest.version == chosen.release.version);
    let mut measured = chosen.plan.memory_measured().filter(|_| is_newest);
    let measured = measured.find(|(found, _)| found.is_same(platform));
    match (measured, memory_limit(chosen.release)) {
        (Some((_, bytes)), _) => t2("tile.used", platform, format::memory(bytes)),
        (None, Some(bytes)) => t2("tile.runs_within", platform, format::memory(bytes)),
        (None, None) => t1("tile.runs_on", platform),
    }
}

fn checks(report: Option<&Report>) -> Tile {
    let Some(report) = report else {
        return Tile {
            label: t("tile.checks"),
            value: t("module.no_checks").to_owned(),
            sentence: t("tile.no_report").to_owned(),
            ..Tile::default()
        };
    };
    Tile {
        label: t("tile.checks"),
        value: certification::passed_of(report),
        sentence: certification::checked_on(report),
        kind: if report.passed() == report.applicable() {
            "pass"
        } else {
            "warn"
        },
        meaning: t("tile.checks_meaning").to_owned(),
    }
}

fn download(chosen: &Chosen<'_>) -> Tile {
    let platforms = &chosen.release.platforms;
    let on = match chosen.device {
        Some(device) => platforms
            .iter()
            .find(|p| p.platform.is_same(&device.platform)),
        None => platforms.iter().min_by_key(|p| p.compressed_bytes),
    };
    let (value, sentence) = match on {
        Some(on) => {
            let size = chosen
                .device
                .and_then(|d| bytes_on(chosen.release, &d.platform));
            let size = format::bytes(size.unwrap_or(on.compressed_bytes));
            (
                size,
                t2(
                    "tile.for_platform",
                    &on.platform,
                    tn("tile.layers", on.layers),
                ),
            )
        }
        None => (
            t("tile.no_image_short").to_owned(),
            t("tile.no_image").to_owned(),
        ),
    };
    Tile {
        label: t("module.size"),
        value,
        sentence,
        meaning: t("tile.download_meaning").to_owned(),
        ..Tile::default()
    }
}

/// The worst thing asked decides the words; the panel names them all.
fn privileges(chosen: &Chosen<'_>) -> Tile {
    let tile = |value: &str, sentence: String, kind, meaning: String| Tile {
        label: t("tile.privileges"),
        value: value.to_owned(),
        sentence,
        kind,
        meaning,
    };
    let Ok(options) = CreateOptions::parse(chosen.release.defaults.create_options_text()) else {
        let sentence = t("tile.options_unreadable").to_owned();
        return tile(t("module.unknown"), sentence, "warn", String::new());
    };
    let mut asked = options.privileges();
    asked.sort_by_key(|privilege| privilege.kind);
    let (ports, _) = options.host_ports();
    let ports = if ports.is_empty() {
        t("tile.no_ports").to_owned()
    } else {
        tn("tile.ports", ports.len())
    };
    let Some(worst) = asked.first() else {
        let meaning = t("tile.privileges_meaning").to_owned();
        return tile(
            t("tile.none"),
            t1("tile.no_host_access", ports),
            "pass",
            meaning,
        );
    };
    let named: Vec<String> = asked
        .iter()
        .map(|p| format!("{} ({})", p.value, p.pointer))
        .collect();
    tile(
        &word("privilege", kind_name(worst.kind)),
        t2("tile.asks", tn("tile.asks_count", asked.len()), ports),
        "warn",
        t1("tile.privileges_asked", named.join("; ")),
    )
}

fn kind_name(kind: PrivilegeKind) -> &'static str {
    match kind {
        PrivilegeKind::Privileged => "privileged",
        PrivilegeKind::HostNamespace => "host_namespace",
        PrivilegeKind::Capability => "capability",
        PrivilegeKind::EngineSocket => "engine_socket",
        PrivilegeKind::SystemPath => "system_path",
        PrivilegeKind::HostPath => "host_path",
        PrivilegeKind::Device => "device",
        PrivilegeKind::SecurityOption => "security_option",
    }
}
