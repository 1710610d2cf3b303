//! Leads: customers who agreed to be passed on. As a table and as CSV.

use app::offers::leads_csv;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::role::PublisherAction;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use store::leads::Lead;

use super::publisher::{Top, top};
use super::publisher_for;
use crate::format::{ago, moment};
use crate::layout::Layout;
use crate::page::page;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Rows shown on the page; the file has all of them.
const ROWS_MAX: usize = 500;

struct Row {
    at: String,
    ago: String,
    offer: String,
    plan: String,
    lead: Lead,
}

#[derive(Template)]
#[template(path = "portal/leads.html")]
struct LeadsPage {
    layout: Layout,
    top: Top,
    rows: Vec<Row>,
    total: usize,
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let (publisher, top) = top(
        &web,
        &visitor,
        &places,
        (PublisherAction::ReadLeads, "leads"),
    )
    .await?;
    let leads = store::leads::of_publisher(&web.app.reader, &publisher.id).await?;
    let (total, now) = (leads.len(), web.app.clock.now());
    let rows = leads.into_iter().take(ROWS_MAX).map(|lead| Row {
        at: moment(lead.created_at),
        ago: ago(lead.created_at, now),
        offer: lead.key.offer.to_string(),
        plan: lead.plan.to_string(),
        lead,
    });
    page(&LeadsPage {
        layout: visitor.layout("publish"),
        top,
        rows: rows.collect(),
        total,
    })
}

pub(super) async fn csv(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let publisher = publisher_for(&web, &visitor, &places, PublisherAction::ReadLeads).await?;
    let text = leads_csv(&web.app, &visitor.actor, &publisher.id).await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"leads-{}.csv\"", publisher.id),
        ),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}
