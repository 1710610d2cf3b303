//! The start page: what this place is, the search box, three counted facts, categories, and what was certified last.

use app::catalog::{Hit, Query, Snapshot, Sort};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::taxonomy::SUBCATEGORIES;

use super::card::Card;
use super::device::{self, Device};
use crate::format;
use crate::layout::Layout;
use crate::page::page;
use crate::params::{Params, address};
use crate::pieces::Link;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Modules under "recently certified".
const RECENT: usize = 6;

#[derive(Template)]
#[template(path = "storefront/home.html")]
struct Home {
    layout: Layout,
    modules: String,
    publishers: String,
    last_checked: String,
    categories: Vec<Link>,
    recent: Vec<Card>,
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
) -> Result<Response, Problem> {
    let snapshot = web.app.catalog.snapshot();
    let device = Device::find(params.get("device"));
    let mut layout = visitor.layout("");
    layout.device = device::choice(device.as_ref(), "/", Vec::new());
    let mut publishers: Vec<_> = snapshot.listed().map(|m| &m.key.publisher).collect();
    publishers.sort_unstable();
    publishers.dedup();
    let last = snapshot
        .listed()
        .filter_map(|m| m.report.as_ref())
        .map(|r| r.checked_at)
        .max();
    page(&Home {
        layout,
        modules: format::count(snapshot.listed().count() as u64),
        publishers: format::count(publishers.len() as u64),
        last_checked: last.map(format::day).unwrap_or_default(),
        categories: categories(&snapshot, device.as_ref()),
        recent: recent(&snapshot, device.as_ref()),
    })
}

fn categories(snapshot: &Snapshot, device: Option<&Device>) -> Vec<Link> {
    let id = device.map(|device| device.id.as_str()).unwrap_or_default();
    let link = |category: &domain::taxonomy::Subcategory| {
        let inside = snapshot
            .listed()
            .filter(|m| m.categories.iter().any(|c| c == category.id));
        Link {
            label: category.title.to_owned(),
            href: address(&format!("/categories/{}", category.id), [("device", id)]),
            count: Some(inside.count() as u64),
            current: false,
        }
    };
    SUBCATEGORIES.iter().map(link).collect()
}

fn recent(snapshot: &Snapshot, device: Option<&Device>) -> Vec<Card> {
    let newest = Query {
        sort: Sort::Newest,
        limit: RECENT,
        device: device.map(|device| device.platform.clone()),
        ..Query::default()
    };
    let hits: Vec<Hit> = snapshot.search(&newest).hits;
    hits.iter().map(|hit| Card::of(hit, device)).collect()
}
