//! The reviewer's desk: the queue, oldest first, and one submission with its open judgement calls.

mod queue;
mod submission;

crate::routes::routes! {
    get "/review" queue::show;
    get "/review/{id}" submission::show;
    get "/review/{id}/runs/{run}/log" submission::run_log;
    post "/review/{id}/approve" submission::approve;
    post "/review/{id}/reject" submission::reject;
    post "/review/{id}/waive" submission::waive;
}

use domain::actor::Account;

use crate::portal::hidden;
use crate::problem::Problem;
use crate::visitor::Visitor;

/// The reviewer who asks. Anyone else learns nothing about what is here.
fn reviewer(visitor: &Visitor) -> Result<&Account, Problem> {
    visitor.account()?;
    visitor.actor.require_reviewer().map_err(|_| hidden())
}
