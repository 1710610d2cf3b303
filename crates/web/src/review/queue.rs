//! What waits for a person, oldest first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::State as Stage;

use super::reviewer;
use crate::format::{ago, moment};
use crate::layout::Layout;
use crate::page::page;
use crate::portal::checks::checks;
use crate::portal::history::names;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Row {
    href: String,
    title: String,
    key: String,
    number: i64,
    open: String,
    since: String,
    since_at: String,
    by: String,
    /// The reviewer belongs to the publisher: somebody else decides.
    own: bool,
}

#[derive(Template)]
#[template(path = "review/queue.html")]
struct QueuePage {
    layout: Layout,
    rows: Vec<Row>,
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    let account = reviewer(&visitor)?;
    let now = web.app.clock.now();
    let waiting = store::submissions::in_state(&web.app.reader, &[Stage::InReview]).await?;
    let names = names(
        &web,
        waiting
            .iter()
            .map(|each| each.created_by.as_str())
            .collect(),
    )
    .await?;
    let rows = waiting.into_iter().map(|each| {
        let open: Vec<String> = checks(each.report.as_ref())
            .map(|checks| {
                checks
                    .rows
                    .into_iter()
                    .filter(|row| row.kind == "review")
                    .map(|row| row.code)
                    .collect()
            })
            .unwrap_or_default();
        Row {
            href: format!("/review/{}", each.id),
            title: each.frozen.listing.title.clone(),
            own: account.publishers.contains_key(&each.key.publisher),
            key: each.key.to_string(),
            number: each.number,
            open: open.join(", "),
            since: ago(each.created_at, now),
            since_at: moment(each.created_at),
            by: names.get(&each.created_by).cloned().unwrap_or_default(),
        }
    });
    page(&QueuePage {
        layout: visitor.layout("review"),
        rows: rows.collect(),
    })
}
