//! How long a search takes over generated listings: `cargo run -p app --example search_speed -- 10000`.
//! Prints p50 and p95 for each kind of query, for a vocabulary as people write it and for the worst case, in which every
//! word is in nearly every listing. A measurement, not a test: nothing here fails on a slow machine.

#![expect(clippy::too_many_lines, reason = "one listing is one literal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::catalog::{Module, ModulePlan, Query, Snapshot};
use domain::defaults::Defaults;
use domain::offer::{Contact, Logos, ModuleKind, Price, Terms};
use domain::release::{Release, ReleasePlatform};
use domain::taxonomy::SUBCATEGORIES;
use oci::Digest;

/// Words that people write. How often each is used falls with its rank, as it does in every language (Zipf's law).
const WORDS_REALISTIC: usize = 5_000;
/// The worst case: so few words that each is in nearly every listing.
const WORDS_WORST: usize = 40;
/// Ranks of the words that are searched for in the realistic case: those in 1 to 20 % of the listings.
const RANKS_ASKED: std::ops::Range<usize> = 80..1_700;
const SYLLABLES: [&str; 24] = [
    "tem", "pe", "ra", "sen", "so", "mod", "bus", "ga", "te", "way", "fil", "ter", "vi", "bro",
    "log", "mo", "ni", "tor", "dri", "ver", "po", "lu", "ke", "zan",
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
}

/// A vocabulary, and how words are drawn from it.
struct Words {
    all: Vec<String>,
    /// Up to each word, the sum of the weights; empty when all weigh the same.
    sums: Vec<u64>,
    asked: std::ops::Range<usize>,
}

impl Words {
    fn realistic() -> Self {
        let mut numbers = Numbers(3);
        let mut sum = 0;
        let sums = (1..=WORDS_REALISTIC as u64).map(|rank| {
            sum += 1_000_000_000 / rank;
            sum
        });
        Self {
            sums: sums.collect(),
            all: (0..WORDS_REALISTIC)
                .map(|at| word(at, &mut numbers))
                .collect(),
            asked: RANKS_ASKED,
        }
    }

    fn worst() -> Self {
        let mut numbers = Numbers(3);
        Self {
            sums: Vec::new(),
            all: (0..WORDS_WORST).map(|at| word(at, &mut numbers)).collect(),
            asked: 0..WORDS_WORST,
        }
    }

    fn drawn(&self, numbers: &mut Numbers) -> &str {
        let at = match self.sums.last() {
            None => numbers.next(self.all.len()),
            Some(all) => {
                let drawn = numbers.next(usize::try_from(*all).unwrap_or(usize::MAX)) as u64;
                self.sums.partition_point(|sum| *sum <= drawn)
            }
        };
        &self.all[at]
    }

    fn text(&self, numbers: &mut Numbers, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.drawn(numbers)).collect();
        words.join(" ")
    }

    /// A word as somebody would search for it.
    fn asked(&self, numbers: &mut Numbers) -> &str {
        &self.all[self.asked.start + numbers.next(self.asked.len())]
    }
}

/// A word of two to four syllables that no other is.
fn word(at: usize, numbers: &mut Numbers) -> String {
    let count = 2 + numbers.next(3);
    let syllables = (0..count).map(|_| SYLLABLES[numbers.next(SYLLABLES.len())]);
    let last = SYLLABLES[at % SYLLABLES.len()];
    let number = at / SYLLABLES.len();
    let tail: String = number
        .to_string()
        .bytes()
        .map(|digit| char::from(b'a' + (digit - b'0')))
        .collect();
    syllables.chain([last, tail.as_str()]).collect()
}

fn module(at: usize, numbers: &mut Numbers, words: &Words) -> Module {
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
        withdrawn: Vec::new(),
        verified: at.is_multiple_of(2),
        title: words.text(numbers, 3),
        summary: words.text(numbers, 12),
        short_description: words.text(numbers, 20),
        description: String::new(),
        description_text: words.text(numbers, 120),
        hardware: String::new(),
        keywords: vec![words.text(numbers, 1), words.text(numbers, 1)],
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
            runs: Vec::new(),
        }],
        platforms,
        report: None,
        submission: String::new(),
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

fn catalog(count: usize, words: &Words) {
    let mut numbers = Numbers(1);
    let modules: Vec<Arc<Module>> = (0..count)
        .map(|at| Arc::new(module(at, &mut numbers, words)))
        .collect();
    let begun = Instant::now();
    let snapshot = Snapshot::of(1, modules).expect("the catalog is indexed");
    println!(
        "{count} listings with {} words, indexed in {:.2} s\n",
        words.all.len(),
        begun.elapsed().as_secs_f64()
    );
    println!("| query | p50 ms | p95 ms | hits on average |\n|---|---|---|---|");
    measure("one word", &snapshot, |n| text(words.asked(n).to_owned()));
    measure("two words", &snapshot, |n| {
        text(format!("{} {}", words.asked(n), words.asked(n)))
    });
    measure("first four letters", &snapshot, |n| {
        text(words.asked(n).chars().take(4).collect())
    });
    measure("one letter missing", &snapshot, |n| {
        text(misspelt(words.asked(n)))
    });
    measure("one word, one platform", &snapshot, |n| Query {
        platforms: vec!["linux/arm64".parse().expect("a platform")],
        ..text(words.asked(n).to_owned())
    });
    measure("browse everything", &snapshot, |_| Query::default());
    println!();
}

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    catalog(count, &Words::realistic());
    catalog(count, &Words::worst());
}
