//! How long a search takes over generated listings: `cargo run -p app --example search_speed -- 10000`.
//! Prints p50 and p95 for each kind of query. A measurement, not a test: nothing here fails on a slow machine.

#![expect(clippy::too_many_lines, reason = "one listing is one literal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::catalog::{Module, ModulePlan, Query, Snapshot};
use domain::defaults::Defaults;
use domain::offer::{Contact, Logos, ModuleKind, Price, Terms};
use domain::release::{Release, ReleasePlatform};
use domain::taxonomy::SUBCATEGORIES;
use oci::Digest;

const WORDS: [&str; 40] = [
    "temperature",
    "pressure",
    "vibration",
    "modbus",
    "opcua",
    "camera",
    "vision",
    "filter",
    "gateway",
    "historian",
    "buffer",
    "forwarder",
    "bridge",
    "anomaly",
    "predictive",
    "energy",
    "meter",
    "pump",
    "motor",
    "valve",
    "conveyor",
    "robot",
    "safety",
    "alarm",
    "threshold",
    "aggregate",
    "window",
    "statistics",
    "storage",
    "database",
    "mqtt",
    "http",
    "certificate",
    "security",
    "monitor",
    "diagnostics",
    "simulator",
    "recorder",
    "translator",
    "protocol",
];
const RUNS: usize = 400;

/// A small generator of repeatable numbers (splitmix64), so that two runs measure the same catalog.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap_or(0)
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.next(WORDS.len())]).collect();
        words.join(" ")
    }
}

fn module(at: usize, numbers: &mut Numbers) -> Module {
    let key: domain::ids::OfferKey = format!("publisher-{}.module-{at}", numbers.next(200))
        .parse()
        .expect("a legal id");
    let platforms: Vec<oci::Platform> = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
        .iter()
        .filter(|_| numbers.next(3) > 0)
        .map(|text| text.parse().expect("a platform"))
        .collect();
    let digest = Digest::sha256_of(key.to_string().as_bytes());
    let release = Release {
        key: key.clone(),
        plan: "standard".parse().expect("a legal id"),
        version: "1.0.0".parse().expect("a version"),
        digest: digest.clone(),
        tags: vec!["latest".into(), "1.0.0".into()],
        platforms: platforms
            .iter()
            .map(|platform| ReleasePlatform {
                platform: platform.clone(),
                digest: digest.clone(),
                compressed_bytes: 1,
                layers: 1,
            })
            .collect(),
        defaults: Defaults::default(),
        notes: String::new(),
        submission: String::new(),
        released_at: at as i64,
    };
    let prices = [
        Price::Free,
        Price::Byol {
            licence_instructions: String::new(),
        },
        Price::Freemium {
            restrictions: String::new(),
        },
    ];
    Module {
        publisher_title: key.publisher.to_string(),
        listed: true,
        stop: None,
        verified: at.is_multiple_of(2),
        title: numbers.words(3),
        summary: numbers.words(12),
        short_description: numbers.words(20),
        description: String::new(),
        description_text: numbers.words(120),
        hardware: String::new(),
        keywords: vec![numbers.words(1), numbers.words(1)],
        categories: vec![
            SUBCATEGORIES[numbers.next(SUBCATEGORIES.len())]
                .id
                .to_owned(),
        ],
        kind: ModuleKind::Source,
        logos: Logos::default(),
        links: Vec::new(),
        documentation_url: String::new(),
        privacy_policy_url: String::new(),
        support: Contact::default(),
        terms: Terms::default(),
        licence: "MIT".into(),
        plans: vec![ModulePlan {
            plan: release.plan.clone(),
            title: "Standard".into(),
            summary: String::new(),
            description: String::new(),
            hidden: false,
            price: prices[numbers.next(3)].clone(),
            repository: key.repository(&release.plan),
            releases: vec![release],
            placeholders: Vec::new(),
        }],
        platforms,
        report: None,
        first_released_at: 0,
        released_at: at as i64,
        key,
    }
}

fn measure(name: &str, snapshot: &Snapshot, query: impl Fn(&mut Numbers) -> Query) {
    let mut numbers = Numbers(7);
    let mut times: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut hits = 0;
    for _ in 0..RUNS {
        let query = query(&mut numbers);
        let begun = Instant::now();
        hits += snapshot.search(&query).total;
        times.push(begun.elapsed());
    }
    times.sort();
    let at = |share: usize| times[(RUNS * share / 100).min(RUNS - 1)].as_secs_f64() * 1_000.0;
    println!(
        "| {name} | {:.2} | {:.2} | {} |",
        at(50),
        at(95),
        hits / RUNS
    );
}

fn text(text: String) -> Query {
    Query {
        text,
        ..Query::default()
    }
}

/// One letter wrong in the middle of a word.
fn misspelt(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let middle = letters.len() / 2;
    letters.remove(middle);
    letters.into_iter().collect()
}

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    let mut numbers = Numbers(1);
    let modules: Vec<Arc<Module>> = (0..count)
        .map(|at| Arc::new(module(at, &mut numbers)))
        .collect();
    let begun = Instant::now();
    let snapshot = Snapshot::of(1, modules).expect("the catalog is indexed");
    println!(
        "{count} listings indexed in {:.2} s\n",
        begun.elapsed().as_secs_f64()
    );
    println!("| query | p50 ms | p95 ms | hits on average |\n|---|---|---|---|");
    measure("one word", &snapshot, |n| text(n.words(1)));
    measure("two words", &snapshot, |n| text(n.words(2)));
    measure("prefix of four letters", &snapshot, |n| {
        text(n.words(1).chars().take(4).collect())
    });
    measure("one letter missing", &snapshot, |n| {
        text(misspelt(&n.words(1)))
    });
    measure("one word, one platform", &snapshot, |n| Query {
        platforms: vec!["linux/arm64".parse().expect("a platform")],
        ..text(n.words(1))
    });
    measure("browse everything", &snapshot, |_| Query::default());
}
