//! The model: what a search must find, without an index.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::catalog::{Facets, Hit, Module, Query, Sort};

/// Facet → value → hits.
type Counts = BTreeMap<&'static str, BTreeMap<String, usize>>;

pub(crate) struct Expected {
    /// Id and whether it fits the device, in the order of ids.
    pub(crate) hits: Vec<(String, bool)>,
    pub(crate) counts: Counts,
}

/// A word of a query matches a word of a listing: the same, its beginning, or one slip.
fn matches(asked: &str, written: &str) -> bool {
    let letters = asked.chars().count();
    written == asked
        || (letters >= 2 && written.starts_with(asked))
        || (letters >= 4 && strsim::osa_distance(asked, written) <= 1)
}

fn words_of(module: &Module) -> Vec<String> {
    let text = [
        module.title.clone(),
        module.key.to_string(),
        module.keywords.join(" "),
        module.summary.clone(),
        module.publisher_title.clone(),
        module.description_text.clone(),
    ]
    .join(" ");
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn values(module: &Module) -> Vec<(&'static str, Vec<String>)> {
    let known = |id: &&String| domain::taxonomy::subcategory(id).is_some();
    let mut prices: Vec<String> = module
        .plans
        .iter()
        .filter(|plan| !plan.hidden)
        .map(|plan| plan.price.model().to_owned())
        .collect();
    prices.sort();
    prices.dedup();
    vec![
        (
            "platform",
            module.platforms.iter().map(ToString::to_string).collect(),
        ),
        (
            "category",
            module.categories.iter().filter(known).cloned().collect(),
        ),
        ("price", prices),
        ("memory", vec![memory(module).to_owned()]),
        ("publisher", vec![module.key.publisher.to_string()]),
    ]
}

/// What was measured of the plans that are shown, else what they declare.
fn memory(module: &Module) -> &'static str {
    let shown = || module.plans.iter().filter(|plan| !plan.hidden);
    let runs = shown().flat_map(|plan| &plan.runs);
    let measured = runs.filter(|run| run.broken.is_empty());
    let measured = measured
        .filter_map(|run| Some(run.footprint?.memory_peak_bytes))
        .max();
    let declared = shown().filter_map(|plan| {
        let text = &plan.releases[0].defaults.create_options;
        let options: serde_json::Value = serde_json::from_str(text).ok()?;
        options["HostConfig"]["Memory"].as_u64()
    });
    match measured
        .or(declared.max())
        .map(|bytes| bytes.div_ceil(1 << 20))
    {
        None => "unknown",
        Some(0..=32) => "32m",
        Some(33..=128) => "128m",
        Some(129..=512) => "512m",
        Some(513..=2048) => "2g",
        Some(_) => "more",
    }
}

fn chosen(query: &Query) -> [Vec<String>; 5] {
    [
        query.platforms.iter().map(ToString::to_string).collect(),
        query.categories.clone(),
        query.prices.clone(),
        query.memory.clone(),
        query.publishers.clone(),
    ]
}

/// The facets whose filter a module fails.
fn failing(module: &Module, query: &Query) -> Vec<&'static str> {
    let filters = values(module).into_iter().zip(chosen(query));
    filters
        .filter(|((_, has), wanted)| {
            !wanted.is_empty() && !has.iter().any(|value| wanted.contains(value))
        })
        .map(|((name, _), _)| name)
        .collect()
}

fn matched<'m>(modules: &'m [Arc<Module>], query: &Query) -> Vec<&'m Arc<Module>> {
    let asked: Vec<String> = query
        .text
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    let listed: Vec<&Arc<Module>> = modules.iter().filter(|module| module.listed).collect();
    let with = |all: bool| -> Vec<&Arc<Module>> {
        let passes = |module: &&&Arc<Module>| {
            let written = words_of(module);
            let mut hits = asked
                .iter()
                .map(|word| written.iter().any(|other| matches(word, other)));
            if all {
                hits.all(|hit| hit)
            } else {
                hits.any(|hit| hit)
            }
        };
        listed.iter().filter(passes).copied().collect()
    };
    if asked.is_empty() {
        return listed;
    }
    let every = with(true);
    if every.is_empty() { with(false) } else { every }
}

pub(crate) fn search(modules: &[Arc<Module>], query: &Query) -> Expected {
    let mut hits = Vec::new();
    let mut counts: Counts = ["platform", "category", "price", "memory", "publisher"]
        .map(|name| (name, BTreeMap::new()))
        .into();
    for module in matched(modules, query) {
        let failing = failing(module, query);
        if failing.is_empty() {
            let device = query.device.as_ref();
            let fits = device.is_none_or(|device| module.platforms.contains(device));
            hits.push((module.key.to_string(), fits));
        }
        for (name, values) in values(module) {
            if failing.iter().all(|failed| *failed == name) {
                for value in values {
                    *counts.entry(name).or_default().entry(value).or_default() += 1;
                }
            }
        }
    }
    hits.sort();
    Expected { hits, counts }
}

pub(crate) fn counts(facets: &Facets) -> Counts {
    let values = |facet: &app::catalog::Facet| {
        let values = facet.values.iter();
        values
            .map(|value| (value.value.clone(), value.count))
            .collect()
    };
    facets
        .0
        .iter()
        .map(|facet| (facet.name, values(facet)))
        .collect()
}

/// Within what fits and within what does not, hits stand in the order asked for.
pub(crate) fn check_order(hits: &[Hit], sort: Sort, browsing: bool) {
    for fits in [true, false] {
        let part = hits.iter().filter(|hit| hit.fits == fits);
        let part: Vec<&Hit> = part.collect();
        match sort {
            Sort::Title => assert!(part.is_sorted_by_key(|hit| hit.module.title.to_lowercase())),
            Sort::Relevance if !browsing => {}
            Sort::Newest | Sort::Relevance => {
                assert!(part.is_sorted_by_key(|hit| std::cmp::Reverse(hit.module.released_at)));
            }
        }
    }
}
