//! `/modules/{publisher}/{offer}/runs/{run}/log`: the event log of a run that stands on the module's page. Runs of
//! submissions that never went live are nobody's business here.

use axum::extract::State;
use axum::response::Response;

use crate::params::Places;
use crate::problem::Problem;
use crate::runs;
use crate::state::Web;

pub(in crate::storefront) async fn download(
    State(web): State<Web>,
    places: Places,
) -> Result<Response, Problem> {
    let module = web.app.module(&places.offer()?)?;
    let none = || Problem::not_found("run of that number");
    let run = store::runs::find(&web.app.reader, places.text("run")).await?;
    let run = run.ok_or_else(none)?;
    let made_by = &run.summary.submission;
    let mut releases = module.plans.iter().flat_map(|plan| &plan.releases);
    if module.submission != *made_by && !releases.any(|release| release.submission == *made_by) {
        return Err(none());
    }
    runs::download(&web, &run).await
}
