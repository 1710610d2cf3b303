//! Which report speaks about a release: only one that names its digest. Nothing is carried over from another image.

use app::App;
use certify::Report;

use super::Chosen;
use crate::problem::Problem;

/// The report on the chosen release, if there is one.
pub(super) async fn of(app: &App, chosen: &Chosen<'_>) -> Result<Option<Report>, Problem> {
    let plan = chosen.plan.plan.as_str();
    let names_it = |report: &Report| report.digests.get(plan) == Some(&chosen.release.digest);
    if let Some(report) = chosen
        .module
        .report
        .as_ref()
        .filter(|report| names_it(report))
    {
        return Ok(Some(report.clone()));
    }
    let made_by = store::submissions::find(&app.reader, &chosen.release.submission).await?;
    let report = made_by.and_then(|submission| submission.report);
    let report = report.and_then(|value| serde_json::from_value::<Report>(value).ok());
    Ok(report.filter(names_it))
}
