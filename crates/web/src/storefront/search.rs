//! `/modules`: the search page. With htmx the same handler answers with the results and the counts alone.

use std::time::{Duration, Instant};

use app::catalog::{PAGE_SIZE, Results, Snapshot, Sort};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::taxonomy;
use http::header::VARY;
use http::{HeaderMap, HeaderValue};

use super::ask::{Ask, FACETS};
use super::card::Card;
use super::device;
use crate::layout::Layout;
use crate::messages::{t, t1, t2, tn, word};
use crate::page::page;
use crate::params::{Params, address};
use crate::pieces::{Choice, ChosenFilter, FacetValue, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Results with everything around them.
pub(super) struct Found {
    pub(super) count: usize,
    pub(super) told: String,
    pub(super) cards: Vec<Card>,
    pub(super) chosen: Vec<ChosenFilter>,
    pub(super) clear: String,
    pub(super) sorts: Vec<Choice>,
    pub(super) previous: String,
    pub(super) next: String,
    pub(super) empty: Option<Empty>,
    pub(super) groups: Vec<Group>,
    pub(super) chosen_count: usize,
    pub(super) hidden: Vec<(&'static str, String)>,
}

/// One facet with its counts.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) name: &'static str,
    pub(super) values: Vec<FacetValue>,
}

/// Nothing found: what was looked for, and the one step that helps most.
pub(super) struct Empty {
    pub(super) title: String,
    pub(super) why: String,
    pub(super) action: String,
    pub(super) href: String,
}

#[derive(Template)]
#[template(path = "storefront/search.html")]
struct Search {
    layout: Layout,
    crumbs: Vec<Link>,
    found: Found,
    path: String,
}

#[derive(Template)]
#[template(path = "storefront/found.html")]
struct Part {
    found: Found,
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(
        &web,
        &visitor,
        &headers,
        Ask::read("/modules", &params),
        crumbs(None),
    )
}

/// The way here: *Internet of Things › IoT Edge modules*, and a category beneath.
pub(super) fn crumbs(category: Option<&taxonomy::Subcategory>) -> Vec<Link> {
    let link = |label: &str, href: &str| Link {
        label: label.to_owned(),
        href: href.to_owned(),
        ..Link::default()
    };
    let mut crumbs = vec![
        link(taxonomy::CATEGORY, "/"),
        link(taxonomy::SUBCATEGORY, "/modules"),
    ];
    crumbs.extend(category.map(|c| link(c.title, &format!("/categories/{}", c.id))));
    crumbs
}

/// The page of a search, or its changing part for htmx.
pub(super) fn answer(
    web: &Web,
    visitor: &Visitor,
    headers: &HeaderMap,
    ask: Ask,
    crumbs: Vec<Link>,
) -> Result<Response, Problem> {
    let snapshot = web.app.catalog.snapshot();
    let started = Instant::now();
    let results = snapshot.search(&ask.query());
    let found = found(&snapshot, &ask, results, started.elapsed());
    // A browser that goes back asks for the whole page by the same header's sibling.
    let partial =
        headers.contains_key("hx-request") && !headers.contains_key("hx-history-restore-request");
    let mut response = if partial {
        page(&Part { found })?
    } else {
        let mut layout = visitor.layout("modules");
        layout.query = ask.text.clone();
        layout.device = device::choice(ask.device.as_ref(), &ask.path, ask.keep());
        page(&Search {
            layout,
            crumbs,
            found,
            path: ask.path,
        })?
    };
    response.headers_mut().insert(
        VARY,
        HeaderValue::from_static("HX-Request, HX-History-Restore-Request"),
    );
    Ok(response)
}

fn found(snapshot: &Snapshot, ask: &Ask, results: Results, took: Duration) -> Found {
    let pages = results.total.div_ceil(PAGE_SIZE);
    let neighbour = |page: usize| ask.at_page(page).href();
    let mut hidden = vec![
        ("q", ask.text.clone()),
        (
            "device",
            ask.device
                .as_ref()
                .map(|d| d.id.clone())
                .unwrap_or_default(),
        ),
    ];
    hidden.retain(|(_, value)| !value.is_empty());
    Found {
        count: results.total,
        told: told(ask, took),
        chosen: ask
            .filters()
            .map(|(name, value)| chip(ask, &results, name, value))
            .collect(),
        clear: ask.unfiltered().href(),
        sorts: sorts(ask),
        previous: if ask.page > 1 {
            neighbour(ask.page - 1)
        } else {
            String::new()
        },
        next: if ask.page < pages {
            neighbour(ask.page + 1)
        } else {
            String::new()
        },
        empty: (results.total == 0).then(|| empty(snapshot, ask)),
        groups: groups(ask, &results),
        chosen_count: ask.chosen_count(),
        hidden,
        cards: results
            .hits
            .iter()
            .map(|hit| Card::of(hit, ask.device.as_ref()))
            .collect(),
    }
}

fn told(ask: &Ask, took: Duration) -> String {
    let milliseconds = format!("{:.2} ms", took.as_secs_f64() * 1000.0);
    if ask.text.is_empty() {
        t1("search.in_time", milliseconds)
    } else {
        t2("search.for_in_time", &ask.text, milliseconds)
    }
}

fn sorts(ask: &Ask) -> Vec<Choice> {
    let choice = |sort: Sort, label: &str| Choice {
        value: if sort == Sort::Relevance {
            String::new()
        } else {
            sort.as_str().to_owned()
        },
        label: label.to_owned(),
        selected: ask.sort == sort,
        ..Choice::default()
    };
    vec![
        choice(Sort::Relevance, t("search.sort_relevance")),
        choice(Sort::Newest, t("search.sort_newest")),
        choice(Sort::Title, t("search.sort_title")),
    ]
}

fn title(name: &str) -> &'static str {
    match name {
        "platform" => t("facet.platform"),
        "category" => t("facet.category"),
        "price" => t("facet.price"),
        "memory" => t("facet.memory"),
        _ => t("facet.publisher"),
    }
}

/// How readers call a value of a facet.
fn label(results: &Results, name: &str, value: &str) -> String {
    match name {
        "price" => return word("price", value).into_owned(),
        "memory" => return word("memory_class", value).into_owned(),
        _ => {}
    }
    let facet = results.facets.0.iter().find(|facet| facet.name == name);
    let known = facet.and_then(|facet| facet.values.iter().find(|v| v.value == value));
    match (known, taxonomy::subcategory(value)) {
        (Some(known), _) => known.title.clone(),
        (None, Some(category)) if name == "category" => category.title.to_owned(),
        _ => value.to_owned(),
    }
}

fn chip(ask: &Ask, results: &Results, name: &'static str, value: &str) -> ChosenFilter {
    ChosenFilter {
        label: t2(
            "facet.chosen_value",
            title(name),
            label(results, name, value),
        ),
        remove_href: ask.without(name, value).href(),
    }
}

/// Facets with the chosen values first; a chosen value that no hit has stays, with 0, so that it can be taken out.
fn groups(ask: &Ask, results: &Results) -> Vec<Group> {
    let group = |(name, chosen): (&'static str, &Vec<String>)| {
        let facet = results.facets.0.iter().find(|facet| facet.name == name);
        let counted = facet
            .map(|facet| facet.values.as_slice())
            .unwrap_or_default();
        let mut values: Vec<FacetValue> = counted
            .iter()
            .map(|value| FacetValue {
                label: label(results, name, &value.value),
                value: value.value.clone(),
                count: value.count as u64,
                selected: value.selected,
            })
            .collect();
        let absent = chosen
            .iter()
            .filter(|c| counted.iter().all(|value| value.value != **c));
        values.extend(absent.map(|value| FacetValue {
            value: value.clone(),
            label: label(results, name, value),
            count: 0,
            selected: true,
        }));
        values.sort_by_key(|value| !value.selected);
        Group {
            title: title(name),
            name,
            values,
        }
    };
    let by_name = FACETS.into_iter().zip(&ask.chosen);
    by_name
        .map(group)
        .filter(|group| !group.values.is_empty())
        .collect()
}

/// The most helpful step: the single filter whose removal shows most, else the filters without the words, else all.
fn empty(snapshot: &Snapshot, ask: &Ask) -> Empty {
    let title = match (ask.text.is_empty(), ask.chosen_count()) {
        (true, 0) => t("empty.nothing_yet").to_owned(),
        (true, _) => t("empty.filters").to_owned(),
        (false, 0) => t1("empty.words", &ask.text),
        (false, _) => t1("empty.words_and_filters", &ask.text),
    };
    let total = |ask: &Ask| snapshot.search(&ask.query()).total;
    let best = ask
        .filters()
        .map(|(name, value)| (total(&ask.without(name, value)), name, value))
        .max_by_key(|(count, ..)| *count)
        .filter(|(count, ..)| *count > 0);
    if let Some((count, name, value)) = best {
        let shown = label(&Results::default(), name, value);
        return Empty {
            title,
            why: t2("empty.without_filter", tn("search.count", count), &shown),
            action: t1("empty.remove_filter", &shown),
            href: ask.without(name, value).href(),
        };
    }
    let unfiltered = ask.unfiltered();
    let any = total(&unfiltered);
    if ask.chosen_count() > 0 && any > 0 {
        return Empty {
            title,
            why: t1("empty.without_filters", tn("search.count", any)),
            action: t("facet.reset").to_owned(),
            href: unfiltered.href(),
        };
    }
    let device = ask
        .device
        .as_ref()
        .map(|d| d.id.as_str())
        .unwrap_or_default();
    Empty {
        title,
        why: if snapshot.listed().next().is_none() {
            t("empty.no_modules")
        } else {
            t("empty.spelling")
        }
        .to_owned(),
        action: t("empty.browse").to_owned(),
        href: address("/modules", [("device", device)]),
    }
}
