//! Search against a model so plain that it cannot be wrong: every listing looked at, word by word.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built fails its test"
)]

mod listing;
mod model;
mod ranking;

use std::sync::Arc;

use app::catalog::{Module, Query, Snapshot, Sort};
use proptest::prelude::*;

use listing::{Listing, module};

/// Few and alike, so that exact words, prefixes and slips meet.
const WORDS: [&str; 12] = [
    "sensor", "sensors", "senor", "sens", "filter", "fitler", "film", "pump", "pumps", "gate",
    "gateway", "of",
];
const PLATFORMS: [&str; 4] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/riscv64",
];
const CATEGORIES: [&str; 3] = ["protocols", "analytics", "unknown-to-the-taxonomy"];
/// Of memory, in MiB.
const AMOUNTS: [u64; 6] = [0, 32, 33, 500, 2_048, 2_049];
const CLASSES: [&str; 7] = ["32m", "128m", "512m", "2g", "more", "unknown", "none"];
const PRICES: [&str; 4] = ["free", "byol", "freemium", "none"];

fn words(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..=most)
        .prop_map(|words| words.join(" "))
}

fn some(values: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(values, 0..=2)
}

prop_compose! {
    fn a_listing()(
        publisher in 0_u8..3,
        title in words(3),
        summary in words(4),
        description in words(6),
        keywords in words(2),
        platforms in some(&PLATFORMS[..3]),
        categories in some(&CATEGORIES),
        prices in some(&PRICES[..3]),
        hidden_price in prop::option::of(prop::sample::select(&PRICES[..3])),
        measured in prop::collection::vec(prop::sample::select(&AMOUNTS[..]), 0..=2),
        limit in prop::option::of(prop::sample::select(&AMOUNTS[1..])),
        listed in prop::bool::weighted(0.9),
        released_at in 0_i64..5,
    ) -> Listing {
        Listing {
            publisher, title, summary, description, keywords, platforms, categories, prices, hidden_price, measured,
            limit, listed, released_at,
        }
    }
}

prop_compose! {
    fn a_query()(
        text in words(3),
        platforms in some(&PLATFORMS),
        categories in some(&CATEGORIES),
        prices in some(&PRICES),
        memory in some(&CLASSES),
        publishers in some(&["publisher-0", "publisher-1", "nobody"]),
        device in prop::option::of(prop::sample::select(&PLATFORMS[..])),
        sort in prop::sample::select(&[Sort::Relevance, Sort::Newest, Sort::Title][..]),
    ) -> Query {
        Query {
            text,
            platforms: platforms.into_iter().map(|text| text.parse().unwrap()).collect(),
            categories: categories.into_iter().map(str::to_owned).collect(),
            prices: prices.into_iter().map(str::to_owned).collect(),
            memory: memory.into_iter().map(str::to_owned).collect(),
            publishers: publishers.into_iter().map(str::to_owned).collect(),
            device: device.map(|text| text.parse().unwrap()),
            sort,
            offset: 0,
            limit: 100,
        }
    }
}

fn catalog(listings: &[Listing]) -> Vec<Arc<Module>> {
    let modules = listings.iter().enumerate();
    modules
        .map(|(at, listing)| Arc::new(module(at, listing)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_search_finds_and_counts_what_the_model_does(
        listings in prop::collection::vec(a_listing(), 0..30),
        query in a_query(),
    ) {
        let modules = catalog(&listings);
        let snapshot = Snapshot::of(1, modules.clone()).unwrap();
        let found = snapshot.search(&query);
        let expected = model::search(&modules, &query);

        let mut hits: Vec<(String, bool)> =
            found.hits.iter().map(|hit| (hit.module.key.to_string(), hit.fits)).collect();
        prop_assert_eq!(found.total, hits.len());
        prop_assert!(hits.is_sorted_by_key(|(_, fits)| !fits), "what fits comes first");
        model::check_order(&found.hits, query.sort, query.text.is_empty());
        hits.sort();
        prop_assert_eq!(hits, expected.hits);
        prop_assert_eq!(model::counts(&found.facets), expected.counts);
    }

    #[test]
    fn pages_laid_together_are_the_whole(
        listings in prop::collection::vec(a_listing(), 0..30),
        query in a_query(),
        page in 1_usize..7,
    ) {
        let snapshot = Snapshot::of(1, catalog(&listings)).unwrap();
        let keys = |query: &Query| -> Vec<String> {
            let found = snapshot.search(query);
            found.hits.iter().map(|hit| hit.module.key.to_string()).collect()
        };
        let whole = keys(&query);
        let mut laid = Vec::new();
        for offset in (0..whole.len() + page).step_by(page) {
            let part = keys(&Query { offset, limit: page, ..query.clone() });
            prop_assert!(part.len() <= page);
            laid.extend(part);
        }
        prop_assert_eq!(laid, whole);
    }
}
