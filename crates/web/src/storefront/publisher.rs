//! `/publishers/{publisher}`: who they are and what they offer. Publishers that are not approved are not there.

use app::catalog::{Query, Sort};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::publishers::{Publisher, PublisherState};

use super::card::Card;
use super::device::{self, Device};
use crate::layout::Layout;
use crate::page::page;
use crate::params::{Params, Places};
use crate::pieces::{Fact, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Modules shown on the page; the search has the rest.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "storefront/publisher.html")]
struct PublisherPage {
    layout: Layout,
    crumbs: Vec<Link>,
    publisher: Publisher,
    website: String,
    facts: Vec<Fact>,
    cards: Vec<Card>,
    total: usize,
    all: String,
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let id = places.publisher()?;
    let publisher = store::publishers::find(&web.app.reader, &id)
        .await?
        .filter(|publisher| publisher.state == PublisherState::Approved)
        .ok_or_else(|| Problem::not_found("publisher of that name"))?;
    let device = Device::find(params.get("device"));
    let results = web.app.catalog.snapshot().search(&Query {
        publishers: vec![id.to_string()],
        sort: Sort::Title,
        limit: SHOWN,
        device: device.as_ref().map(|device| device.platform.clone()),
        ..Query::default()
    });
    let mut layout = visitor.layout("modules");
    layout.device = device::choice(device.as_ref(), &format!("/publishers/{id}"), Vec::new());
    let mut crumbs = super::search::crumbs(None);
    crumbs.push(Link {
        label: publisher.title.clone(),
        ..Link::default()
    });
    page(&PublisherPage {
        layout,
        crumbs,
        website: super::product::web_address(&publisher.website),
        facts: facts(&publisher),
        cards: results
            .hits
            .iter()
            .map(|hit| Card::of(hit, device.as_ref()))
            .collect(),
        total: results.total,
        all: format!("/modules?publisher={id}"),
        publisher,
    })
}

fn facts(publisher: &Publisher) -> Vec<Fact> {
    use crate::messages::t;
    let fact = |label: &str, value: &str| Fact {
        label: label.to_owned(),
        value: value.to_owned(),
    };
    let mut facts = vec![fact(t("publisher_page.id"), publisher.id.as_str())];
    if !publisher.support_email.is_empty() {
        facts.push(fact(t("publisher_page.support"), &publisher.support_email));
    }
    facts.push(fact(
        t("publisher_page.since"),
        &crate::format::day(publisher.created_at),
    ));
    facts
}
