//! Modules of invented companies, live from the first moment: a sensor with two versions, a forwarder that asks for a
//! value and brings its own licence, a filter with two plans and a hidden one, and one that is no longer sold.

use std::collections::BTreeMap;
use std::io::Write as _;

use certify::{Level, Report, RuleResult, RuleState, State, Waiver, register};
use domain::defaults::{Defaults, NamedJson, NamedText};
use domain::ids::OfferKey;
use domain::lifecycle::{OfferState, State as Stage, StopReason};
use domain::offer::{Contact, Link, Logos, ModuleKind, Offer, Plan, Price};
use domain::release::{Release, ReleasePlatform};
use oci::Digest;
use serde_json::json;
use store::Store;
use store::offers::{OfferRow, StopInfo};
use store::runs::Run;
use store::submissions::Submission;
use testkit::runs;

use super::{Market, NOW};

/// Newest version of the sensor.
pub const NEWEST_DIGEST: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";
/// The version before, which the report does not name.
pub const OLDER_DIGEST: &str =
    "sha256:2222222222222222222222222222222222222222222222222222222222222222";
/// The filter.
pub const FILTER_DIGEST: &str =
    "sha256:3333333333333333333333333333333333333333333333333333333333333333";

const DAY: i64 = 86_400_000_000;

struct Row<'a> {
    key: &'a str,
    title: &'a str,
    summary: &'a str,
    category: &'a str,
    kind: ModuleKind,
    colour: [u8; 3],
    platforms: &'a [(&'a str, u64)],
    plans: Vec<(&'a str, &'a str, Price, bool)>,
    defaults: Defaults,
    /// Version and digest, newest first.
    versions: Vec<(&'a str, &'a str)>,
}

fn defaults(name: &str, server: bool) -> Defaults {
    let mut env = vec![NamedText::new("INTERVAL_SECONDS", "5")];
    if server {
        env.push(NamedText::new(
            "SERVER",
            "https://<MY_SERVER_IP_ADDRESS>/in",
        ));
    }
    Defaults {
        module_name: name.into(),
        routes: vec![NamedText::new(
            format!("{name}ToCloud"),
            format!("FROM /messages/modules/{name}/outputs/* INTO $upstream"),
        )],
        twin: vec![NamedJson::new("Limits", json!({"low": 10, "high": 30}))],
        env,
        create_options: r#"{"HostConfig":{"PortBindings":{"8081/tcp":[{"HostPort":"8081"}]}}}"#
            .into(),
    }
}

const ALL: &[(&str, u64)] = &[
    ("linux/amd64", 2_900_000),
    ("linux/arm64", 2_700_000),
    ("linux/arm/v7", 2_500_000),
];

/// Puts them all in.
pub(super) async fn stock(market: &Market) {
    let free = |plan: &'static str| vec![(plan, "Standard", Price::Free, false)];
    let older = ("1.3.0", OLDER_DIGEST);
    live(
        market,
        Row {
            key: "contoso.temperature-sensor",
            title: "Simulated temperature sensor",
            summary: "Sends a temperature and humidity reading each five seconds.",
            category: "simulation",
            kind: ModuleKind::Source,
            colour: [19, 78, 111],
            platforms: ALL,
            plans: free("standard"),
            defaults: defaults("TemperatureSensor", false),
            versions: vec![("1.4.2", NEWEST_DIGEST), older],
        },
    )
    .await;
    live(
        market,
        Row {
            key: "contoso.http-forwarder",
            title: "HTTP forwarder",
            summary: "Posts messages to a server, buffering while it is away.",
            category: "connectivity",
            kind: ModuleKind::Sink,
            colour: [122, 59, 29],
            platforms: &[("linux/amd64", 27_400_000)],
            plans: vec![(
                "standard",
                "Standard",
                Price::Byol {
                    licence_instructions: "Buy a key at contoso.example/keys.".into(),
                },
                false,
            )],
            defaults: defaults("HttpForwarder", true),
            versions: vec![(
                "2.0.0",
                "sha256:4444444444444444444444444444444444444444444444444444444444444444",
            )],
        },
    )
    .await;
    live(
        market,
        Row {
            key: "fabrikam.threshold-filter",
            title: "Threshold filter <b>",
            summary: "Passes on readings beyond a limit.",
            category: "analytics",
            kind: ModuleKind::Filter,
            colour: [90, 61, 122],
            platforms: &ALL[..2],
            plans: vec![
                ("basic", "Basic", Price::Free, false),
                (
                    "pro",
                    "Pro",
                    Price::Freemium {
                        restrictions: "Ten rules at most.".into(),
                    },
                    false,
                ),
                ("trial", "Trial", Price::Free, true),
            ],
            defaults: defaults("ThresholdFilter", false),
            versions: vec![("1.0.0", FILTER_DIGEST)],
        },
    )
    .await;
    live(
        market,
        Row {
            key: "contoso.old-sensor",
            title: "Old sensor",
            summary: "Superseded by the simulated temperature sensor.",
            category: "simulation",
            kind: ModuleKind::Source,
            colour: [90, 90, 90],
            platforms: &ALL[..1],
            plans: free("standard"),
            defaults: defaults("OldSensor", false),
            versions: vec![(
                "0.9.0",
                "sha256:5555555555555555555555555555555555555555555555555555555555555555",
            )],
        },
    )
    .await;
    keep_runs(market, "submission-of-contoso.temperature-sensor").await;
    let stop = StopInfo {
        reason: StopReason::EndOfSupport,
        alternative: Some("contoso.temperature-sensor".into()),
        at: NOW,
    };
    let tx = market.writer.begin().await.unwrap();
    let key = "contoso.old-sensor".parse().unwrap();
    store::offers::set_state(&tx, &key, OfferState::Stopped, Some(&stop), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    market.refresh().await;
}

async fn live(market: &Market, row: Row<'_>) {
    let key: OfferKey = row.key.parse().unwrap();
    let picture = png(90, 90, row.colour);
    let logo = Digest::sha256_of(&picture);
    market.blobs.put_media(&logo, picture.into()).await.unwrap();
    let offer = offer(&key, &row, &logo);
    let id = format!("submission-of-{key}");
    let tx = market.writer.begin().await.unwrap();
    let row_of_offer = OfferRow {
        key: key.clone(),
        draft: offer.clone(),
        revision: 1,
        state: OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: NOW - 40 * DAY,
        updated_at: NOW,
    };
    store::offers::insert(&tx, &row_of_offer).await.unwrap();
    let submission = Submission {
        id: id.clone(),
        key: key.clone(),
        number: 1,
        state: Stage::Live,
        frozen: offer,
        notes: String::new(),
        created_by: "system".into(),
        created_at: NOW - DAY,
        updated_at: NOW,
        report: Some(serde_json::to_value(report(&row)).unwrap()),
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
    };
    store::submissions::insert(&tx, &submission).await.unwrap();
    for (plan, ..) in &row.plans {
        for (at, (version, digest)) in row.versions.iter().enumerate() {
            let release = Release {
                key: key.clone(),
                plan: plan.parse().unwrap(),
                version: version.parse().unwrap(),
                digest: digest.parse().unwrap(),
                tags: if at == 0 {
                    vec![(*version).into(), "latest".into()]
                } else {
                    vec![(*version).into()]
                },
                platforms: row
                    .platforms
                    .iter()
                    .map(|(name, bytes)| platform(name, *bytes))
                    .collect(),
                defaults: row.defaults.clone(),
                notes: format!("What is new in {version}."),
                submission: id.clone(),
                released_at: NOW - i64::try_from(at).unwrap() * 30 * DAY - DAY,
            };
            store::releases::insert(&tx, &release).await.unwrap();
        }
    }
    store::offers::set_live(&tx, &key, &id, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

fn platform(name: &str, bytes: u64) -> ReleasePlatform {
    ReleasePlatform {
        platform: name.parse().unwrap(),
        digest: Digest::sha256_of(name.as_bytes()),
        compressed_bytes: bytes,
        layers: 3,
    }
}

fn offer(key: &OfferKey, row: &Row<'_>, logo: &Digest) -> Offer {
    let mut offer = Offer::empty(key);
    let listing = &mut offer.listing;
    listing.title = row.title.into();
    listing.summary = row.summary.into();
    listing.short_description = row.summary.into();
    listing.description = format!(
        "<p>{} Use it to try routes and dashboards.</p><h2>Settings</h2><ul><li>INTERVAL_SECONDS: pause between readings</li></ul><p>Minimum hardware requirements: Linux on amd64, arm64 or arm32v7; 16 MB memory; 8 MB storage.</p>",
        row.summary
    );
    listing.keywords = vec!["telemetry".into()];
    listing.logos = Logos {
        medium: logo.to_string(),
        ..Logos::default()
    };
    listing.privacy_policy_url = "https://contoso.example/privacy".into();
    listing.documentation_url = "https://contoso.example/docs".into();
    listing.useful_links = vec![
        Link {
            title: "Source".into(),
            url: "https://contoso.example/source".into(),
        },
        Link {
            title: "Trick".into(),
            url: "javascript:alert(1)".into(),
        },
    ];
    listing.support_contact = Contact {
        name: "Support desk".into(),
        email: "help@contoso.example".into(),
        ..Contact::default()
    };
    offer.properties.categories = vec![row.category.into()];
    offer.properties.kind = row.kind;
    offer.properties.licence = "MIT".into();
    offer.properties.terms.standard_contract = true;
    offer.plans = row
        .plans
        .iter()
        .map(|(plan, title, price, hidden)| Plan {
            plan: plan.parse().unwrap(),
            title: (*title).into(),
            summary: format!("The {title} plan."),
            description: String::new(),
            hidden: *hidden,
            price: price.clone(),
            image: domain::offer::ImageSource::default(),
            platforms: row
                .platforms
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            defaults: row.defaults.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            release_notes: String::new(),
        })
        .collect();
    offer
}

/// Everything passed, but one warning, one waiver, and the last rules not run.
fn report(row: &Row<'_>) -> Report {
    let rules = register();
    let last = rules.len() - 3;
    let result = |(at, rule): (usize, &&certify::Rule)| {
        let (state, found) = match at {
            4 => (RuleState::Warned, State::Failed),
            5 => (RuleState::Waived, State::Failed),
            at if at >= last => (RuleState::NotRun, State::NotRun),
            _ => (RuleState::Passed, State::Passed),
        };
        let waiver = Waiver {
            rule: rule.code.into(),
            place: "plan standard".into(),
            reason: "needs a raw socket".into(),
            by: "A reviewer".into(),
        };
        RuleResult {
            code: rule.code.into(),
            title: rule.title.into(),
            level: Level::Block,
            state,
            outcomes: vec![certify::report::Finding {
                state: found,
                place: "plan standard".into(),
                evidence: "3 platforms, 5 layers".into(),
                fix: None,
                doubt: None,
                waiver: (state == RuleState::Waived).then_some(waiver),
            }],
        }
    };
    let newest = row.versions[0].1;
    Report {
        policy_version: "2026-01".into(),
        checked_at: NOW - DAY,
        results: rules.iter().enumerate().map(result).collect(),
        digests: row
            .plans
            .iter()
            .map(|(plan, ..)| ((*plan).to_owned(), newest.parse().unwrap()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// A run of a submission's image for linux/amd64, and one that was not.
pub async fn keep_runs(market: &Market, submission: &str) -> Run {
    let store = Store {
        reader: market.reader.clone(),
        writer: market.writer.clone(),
        blobs: market.blobs.clone(),
    };
    let run = runs::ran(&store, submission, &platform("linux/amd64", 0), NOW - DAY).await;
    let why = "the engine's machine runs no arm64, and has no emulator for it";
    let without = runs::not_run(&run, &platform("linux/arm64", 0), why);
    runs::keep(&store, &[run.clone(), without]).await;
    run
}

/// A night after that in which it broke.
pub async fn keep_night(market: &Market, run: &Run) {
    let store = Store {
        reader: market.reader.clone(),
        writer: market.writer.clone(),
        blobs: market.blobs.clone(),
    };
    runs::keep(&store, &[runs::broke(run, NOW)]).await;
}

/// A PNG of one colour.
pub fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut rows = Vec::new();
    for _ in 0..height {
        rows.push(0);
        rows.extend((0..width).flat_map(|_| colour));
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&rows).unwrap();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, bytes) in [
        (b"IHDR", header),
        (b"IDAT", packed.finish().unwrap()),
        (b"IEND", Vec::new()),
    ] {
        file.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        let mut summed = flate2::Crc::new();
        summed.update(name);
        summed.update(&bytes);
        file.extend(name);
        file.extend(&bytes);
        file.extend(summed.sum().to_be_bytes());
    }
    file
}
