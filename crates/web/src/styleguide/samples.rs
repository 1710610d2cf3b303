//! Sample content for the style guide: invented modules of invented companies, in every state that
//! a piece can show.

use crate::layout::{DeviceChoice, DeviceOption, Layout, SignedIn};
use crate::pieces::{
    Choice, ChosenFilter, DiffLine, FacetValue, Fact, FieldError, Link, PlatformSlot, RailItem,
    Step,
};

/// A module as the search results would show it.
pub(super) struct SampleModule {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) publisher: &'static str,
    pub(super) verified: bool,
    pub(super) summary: &'static str,
    pub(super) logo: &'static str,
    pub(super) platforms: Vec<PlatformSlot>,
    pub(super) size: &'static str,
    pub(super) memory: &'static str,
    pub(super) price: &'static str,
    pub(super) passed: u32,
    pub(super) total: u32,
    pub(super) checked_on: &'static str,
    pub(super) fit: &'static str,
    pub(super) verdict: &'static str,
}

pub(super) const ADD: &str = "edgemart add contoso.temperature \\\n  --file deployment.json";

pub(super) const MANIFEST: &str = r#"{
  "modulesContent": {
    "$edgeAgent": {
      "properties.desired.modules.temperature": {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {
          "image": "market.example/contoso/temperature/standard@sha256:1f3a7c55b0e2d94866aa01f7c3b9d2e84f60a1b7c2d3e4f5061728394a5b9c02",
          "createOptions": "{}"
        }
      }
    }
  }
}"#;

// Flat pictures drawn here so that the guide needs no files; real logos are PNG.
const LOGO_GAUGE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'%3E%3Crect width='48' height='48' rx='6' fill='%23134e6f'/%3E%3Cpath d='M12 32a12 12 0 0 1 24 0' fill='none' stroke='%23fff' stroke-width='4'/%3E%3Cpath d='M24 32l7-9' stroke='%23f4b740' stroke-width='4' stroke-linecap='round'/%3E%3C/svg%3E";
const LOGO_FUNNEL: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'%3E%3Crect width='48' height='48' rx='6' fill='%235a3d7a'/%3E%3Cpath d='M11 13h26L28 25v11l-8-4v-7Z' fill='%23fff'/%3E%3C/svg%3E";
const LOGO_BARS: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'%3E%3Crect width='48' height='48' rx='6' fill='%237a3b1d'/%3E%3Cpath d='M14 35V24M24 35V13M34 35V19' stroke='%23fff' stroke-width='5' stroke-linecap='round'/%3E%3C/svg%3E";

pub(super) fn digest() -> String {
    "sha256:1f3a7c55b0e2d94866aa01f7c3b9d2e84f60a1b7c2d3e4f5061728394a5b9c02".to_owned()
}

/// The command that pulls the sample image.
pub(super) fn pull() -> String {
    format!(
        "docker pull market.example/contoso/temperature/standard@{}",
        digest()
    )
}

pub(super) fn layout(theme: &'static str, section: &'static str) -> Layout {
    let option = |id: &str, label: &str, detail: &str| DeviceOption {
        id: id.to_owned(),
        label: label.to_owned(),
        detail: detail.to_owned(),
    };
    Layout {
        theme,
        section,
        query: String::new(),
        device: DeviceChoice {
            label: "Raspberry Pi 4, 4 GB".to_owned(),
            id: "rpi4-4gb".to_owned(),
            options: vec![
                option(
                    "rpi4-4gb",
                    "Raspberry Pi 4, 4 GB",
                    "linux/arm64, 4 GB memory",
                ),
                option(
                    "rpi3",
                    "Raspberry Pi 3, 32-bit",
                    "linux/arm/v7, 1 GB memory",
                ),
                option("pc", "Industrial PC", "linux/amd64, 8 GB memory"),
            ],
            action: "/styleguide/search".to_owned(),
            keep: Vec::new(),
        },
        person: Some(SignedIn {
            name: "Plant engineer".to_owned(),
            publisher: true,
            reviewer: true,
            operator: false,
        }),
        csrf: "sample".to_owned(),
        here: "/styleguide".to_owned(),
    }
}

fn link(label: &str, href: &str) -> Link {
    Link {
        label: label.to_owned(),
        href: href.to_owned(),
        ..Link::default()
    }
}

pub(super) fn pages() -> Vec<Link> {
    vec![
        link("Pieces", "/styleguide"),
        link("Home", "/styleguide/home"),
        link("Search", "/styleguide/search"),
        link("Product", "/styleguide/product"),
        link("Submission", "/styleguide/submission"),
        link("Offer", "/styleguide/offer"),
        link("Problem", "/styleguide/problem"),
    ]
}

fn slots(amd64: bool, arm64: bool, arm_v7: bool) -> Vec<PlatformSlot> {
    [("amd64", amd64), ("arm64", arm64), ("arm/v7", arm_v7)]
        .map(|(label, present)| PlatformSlot {
            label: label.to_owned(),
            present,
        })
        .into()
}

pub(super) fn modules() -> Vec<SampleModule> {
    vec![
        SampleModule {
            id: "contoso.temperature",
            title: "Simulated temperature sensor",
            publisher: "Contoso",
            verified: true,
            summary: "Sends a temperature and humidity reading each five seconds, for trying routes and dashboards.",
            logo: LOGO_GAUGE,
            platforms: slots(true, true, true),
            size: "2.7 MB",
            memory: "uses 12.4 MiB, measured",
            price: "Free",
            passed: 31,
            total: 31,
            checked_on: "2 Mar 2026",
            fit: "fits",
            verdict: "Fits Raspberry Pi 4, 4 GB: linux/arm64, 16 of 4,096 MB memory",
        },
        SampleModule {
            id: "fabrikam.threshold-filter",
            title: "Threshold filter",
            publisher: "Fabrikam Industrial Automation",
            verified: true,
            summary: "Passes on readings above or below a limit; the limit is a desired property and changes without a restart.",
            logo: LOGO_FUNNEL,
            platforms: slots(true, true, false),
            size: "3.1 MB",
            memory: "up to 24 MiB, declared",
            price: "Own licence",
            passed: 29,
            total: 30,
            checked_on: "14 Jan 2026",
            fit: "fits",
            verdict: "Fits Raspberry Pi 4, 4 GB: linux/arm64, 24 of 4,096 MB memory",
        },
        SampleModule {
            id: "northwind.window-aggregator",
            title: "Window aggregator with a title that is as long as a title may be",
            publisher: "Northwind",
            verified: false,
            summary: "Minimum, maximum and mean over sliding windows.",
            logo: "",
            platforms: slots(true, false, false),
            size: "",
            memory: "uses 5.2 GiB, measured",
            price: "",
            passed: 0,
            total: 0,
            checked_on: "",
            fit: "not",
            verdict: "Does not fit: built for linux/amd64 only, the device is linux/arm64; needs 8 GB memory, the device has 4 GB",
        },
        SampleModule {
            id: "contoso.file-store",
            title: "File store",
            publisher: "Contoso",
            verified: true,
            summary: "Keeps messages in rotating files while the uplink is down.",
            logo: LOGO_BARS,
            platforms: slots(true, true, true),
            size: "2.9 MB",
            memory: "",
            price: "Freemium",
            passed: 31,
            total: 31,
            checked_on: "2 Mar 2026",
            fit: "",
            verdict: "",
        },
    ]
}

fn facet(value: &str, label: &str, count: u64, selected: bool) -> FacetValue {
    FacetValue {
        value: value.to_owned(),
        label: label.to_owned(),
        count,
        selected,
    }
}

pub(super) fn platform_values() -> Vec<FacetValue> {
    vec![
        facet("linux/arm64", "linux/arm64", 118, true),
        facet("linux/amd64", "linux/amd64", 142, false),
        facet("linux/arm/v7", "linux/arm/v7", 97, false),
    ]
}

pub(super) fn category_values() -> Vec<FacetValue> {
    vec![
        facet("protocol", "Protocol adapters", 41, false),
        facet("analytics", "Analytics", 33, false),
        facet("simulation", "Simulation and test", 19, false),
        facet("storage", "Storage", 12, false),
        facet("vision", "Vision", 9, false),
        facet("monitoring", "Monitoring", 8, false),
        facet("security", "Security", 6, false),
    ]
}

pub(super) fn price_values() -> Vec<FacetValue> {
    vec![
        facet("free", "Free", 88, true),
        facet("byol", "Own licence", 21, false),
        facet("freemium", "Freemium", 9, false),
    ]
}

pub(super) fn publisher_values() -> Vec<FacetValue> {
    vec![
        facet("contoso", "Contoso", 12, false),
        facet("fabrikam", "Fabrikam Industrial Automation", 9, false),
        facet("northwind", "Northwind", 4, false),
    ]
}

pub(super) fn chosen() -> Vec<ChosenFilter> {
    ["Platform: linux/arm64", "Price: Free"]
        .map(|label| ChosenFilter {
            label: label.to_owned(),
            remove_href: "/styleguide/search".to_owned(),
        })
        .into()
}

fn choice(value: &str, label: &str, detail: &str, selected: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        detail: detail.to_owned(),
        selected,
    }
}

pub(super) fn plans() -> Vec<Choice> {
    vec![
        choice("standard", "Standard, free", "", true),
        choice("fast", "Fast, own licence", "", false),
    ]
}

pub(super) fn versions() -> Vec<Choice> {
    vec![
        choice("1.4.2", "1.4.2, latest", "", true),
        choice("1.4.1", "1.4.1", "", false),
        choice("1.3.0", "1.3.0", "", false),
    ]
}

pub(super) fn prices() -> Vec<Choice> {
    vec![
        choice("free", "Free", "Nobody pays anything.", true),
        choice(
            "byol",
            "Own licence",
            "Customers bring a licence they bought from you.",
            false,
        ),
        choice(
            "freemium",
            "Freemium",
            "A free plan beside a paid one.",
            false,
        ),
    ]
}

pub(super) fn category_choices() -> Vec<Choice> {
    vec![
        choice("simulation", "Simulation and test", "", true),
        choice("protocol", "Protocol adapters", "", false),
    ]
}

fn step(name: &str, state: &str, duration: &str, expected: &str, reason: &str) -> Step {
    Step {
        name: name.to_owned(),
        state: state.to_owned(),
        duration: duration.to_owned(),
        expected: expected.to_owned(),
        reason: reason.to_owned(),
    }
}

pub(super) fn running_steps() -> Vec<Step> {
    vec![
        step("Submitted", "done", "0.1 s", "", ""),
        step("Import", "done", "6.2 s", "8 s", ""),
        step("Certification", "current", "3 s", "12 s", ""),
        step("Review", "skipped", "", "", ""),
        step("Preview", "waiting", "", "", ""),
        step("Live", "waiting", "", "4 s", ""),
    ]
}

pub(super) fn failed_steps() -> Vec<Step> {
    vec![
        step("Submitted", "done", "0.1 s", "", ""),
        step("Import", "done", "6.2 s", "8 s", ""),
        step(
            "Certification",
            "failed",
            "4.8 s",
            "12 s",
            "2 of 31 checks failed: IMG-04 and DEF-05. Put them right and submit again.",
        ),
        step("Review", "waiting", "", "", ""),
        step("Preview", "waiting", "", "", ""),
        step("Live", "waiting", "", "", ""),
    ]
}

pub(super) fn diff() -> Vec<DiffLine> {
    let line = |kind: &str, before: &str, after: &str, count: u64| DiffLine {
        kind: kind.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        count,
    };
    vec![
        line("folded", "", "", 41),
        line("same", "    \"modules\": {", "    \"modules\": {", 0),
        line(
            "changed",
            "      \"temperature\": { \"image\": \"market.example/contoso/temperature/standard:1.3.0\" }",
            "      \"temperature\": { \"image\": \"market.example/contoso/temperature/standard@sha256:1f3a…9c02\" }",
            0,
        ),
        line(
            "added",
            "",
            "      \"threshold\": { \"status\": \"running\" }",
            0,
        ),
        line(
            "removed",
            "      \"old-filter\": { \"status\": \"stopped\" }",
            "",
            0,
        ),
        line("same", "    }", "    }", 0),
        line("folded", "", "", 1),
    ]
}

pub(super) fn product_tabs() -> Vec<Link> {
    ["Overview", "Plans", "Versions", "Checks", "Configuration"]
        .iter()
        .enumerate()
        .map(|(place, label)| Link {
            label: (*label).to_owned(),
            href: "/styleguide/product".to_owned(),
            count: match place {
                1 => Some(2),
                2 => Some(7),
                3 => Some(31),
                _ => None,
            },
            current: place == 0,
        })
        .collect()
}

pub(super) fn crumbs() -> Vec<Link> {
    vec![
        link("Internet of Things", "/styleguide/search"),
        link("IoT Edge modules", "/styleguide/search"),
        link("Simulation and test", "/styleguide/search"),
        link("Simulated temperature sensor", ""),
    ]
}

pub(super) fn portal_crumbs() -> Vec<Link> {
    vec![
        link("My offers", "/styleguide/offer"),
        link("contoso.temperature", "/styleguide/offer"),
        link("Submission 7", ""),
    ]
}

pub(super) fn categories() -> Vec<Link> {
    category_values()
        .into_iter()
        .map(|value| Link {
            label: value.label,
            href: "/styleguide/search".to_owned(),
            count: Some(value.count),
            current: false,
        })
        .collect()
}

pub(super) fn facts() -> Vec<Fact> {
    [
        ("Submitted", "2 Mar 2026, 14:05 UTC"),
        ("Image source", "registry.contoso.example/temperature:1.4.2"),
        ("Asked by", "developer@contoso.example"),
    ]
    .map(|(label, value)| Fact {
        label: label.to_owned(),
        value: value.to_owned(),
    })
    .into()
}

pub(super) fn rail() -> Vec<RailItem> {
    [
        ("Offer setup", "complete", false),
        ("Listing", "attention", true),
        ("Logos", "complete", false),
        ("Plans", "incomplete", false),
        ("Technical configuration", "complete", false),
        ("Preview audience", "not_started", false),
        ("Contacts", "complete", false),
    ]
    .map(|(label, state, current)| RailItem {
        label: label.to_owned(),
        href: "/styleguide/offer".to_owned(),
        state: state.to_owned(),
        current,
    })
    .into()
}

pub(super) fn errors() -> Vec<FieldError> {
    [
        (
            "title",
            "Title: 52 characters, at most 50. Shorten it by 2.",
        ),
        (
            "privacy",
            "Privacy policy: http://… is not https. Give an https address.",
        ),
    ]
    .map(|(field, message)| FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    })
    .into()
}
