//! A publisher's offers, each with its state and the next thing to do.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::role::PublisherAction;

use super::draft::{Draft, NextAction};
use super::{link, publisher_for, publisher_tabs};
use crate::format::{ago, moment};
use crate::layout::Layout;
use crate::messages::t;
use crate::page::page;
use crate::params::Places;
use crate::pieces::Link;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// The top of a publisher's pages.
pub(super) struct Top {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) state: &'static str,
    pub(super) reason: String,
    pub(super) contact: String,
    pub(super) crumbs: Vec<Link>,
    pub(super) tabs: Vec<Link>,
}

struct Row {
    title: String,
    key: String,
    href: String,
    state: &'static str,
    submission_state: &'static str,
    next: NextAction,
    saved: String,
    saved_at: String,
}

#[derive(Template)]
#[template(path = "portal/publisher.html")]
struct PublisherPage {
    layout: Layout,
    top: Top,
    rows: Vec<Row>,
}

/// The publisher in the address with the frame of its pages, if the visitor may do this there.
pub(super) async fn top(
    web: &Web,
    visitor: &Visitor,
    places: &Places,
    (action, tab): (PublisherAction, &str),
) -> Result<(store::publishers::Publisher, Top), Problem> {
    let publisher = publisher_for(web, visitor, places, action).await?;
    let top = Top {
        id: publisher.id.to_string(),
        title: publisher.title.clone(),
        state: publisher.state.as_str(),
        reason: publisher.reason.clone().unwrap_or_default(),
        contact: web.app.settings.onboarding_contact.clone(),
        crumbs: vec![
            link(t("nav.publish"), "/publish"),
            link(publisher.title.clone(), ""),
        ],
        tabs: publisher_tabs(visitor, &publisher.id, tab),
    };
    Ok((publisher, top))
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let (publisher, top) = top(&web, &visitor, &places, (PublisherAction::View, "offers")).await?;
    let now = web.app.clock.now();
    let mut rows = Vec::new();
    for offer in store::offers::of_publisher(&web.app.reader, &publisher.id).await? {
        let draft = Draft::of(&web, offer).await?;
        let head = draft.head("", &[]);
        rows.push(Row {
            title: head.title,
            key: head.key,
            href: head.path,
            state: head.state,
            submission_state: head.submission_state,
            next: draft.next_action(),
            saved: ago(draft.row.updated_at, now),
            saved_at: moment(draft.row.updated_at),
        });
    }
    page(&PublisherPage {
        layout: visitor.layout("publish"),
        top,
        rows,
    })
}
