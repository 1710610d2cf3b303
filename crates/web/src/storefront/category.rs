//! `/categories/{category}`: the search, narrowed to one category for good.

use axum::extract::State;
use axum::response::Response;
use domain::taxonomy;
use http::HeaderMap;

use super::ask::Ask;
use super::search;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let category = taxonomy::subcategory(places.text("category"));
    let category = category.ok_or_else(|| Problem::not_found("category of that name"))?;
    let mut ask = Ask::read("/modules", &params);
    // Shown as a chosen filter of the search, so that one more filter is one more click and not another place.
    if !ask.chosen[1].iter().any(|known| known == category.id) {
        ask.chosen[1].push(category.id.to_owned());
    }
    search::answer(
        &web,
        &visitor,
        &headers,
        ask,
        search::crumbs(Some(category)),
    )
}
