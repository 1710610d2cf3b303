//! Modules: search, one module, its certification. For anyone, with an ETag that changes with the catalog.

use std::sync::Arc;

use app::App;
use app::catalog::{Module, Query, Sort};
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use oci::Platform;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::{Page, from_catalog};
use super::schema::{
    Checks, MeasuredRun, ModuleDetail, ModuleItem, ModuleList, PlanDetail, ProblemBody, facets,
};
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;
use crate::storefront::{Device, FACETS, path};

/// Search, with counts for every filter. Exact words rank above prefixes, prefixes above words with one letter wrong.
#[utoipa::path(get, path = "/api/v1/modules", tag = "modules",
    params(
        ("q" = Option<String>, Query, description = "Words; at most 200 characters are read"),
        ("platform" = Option<String>, Query, description = "Any of these, such as linux/arm64; repeated or separated by commas"),
        ("category" = Option<String>, Query, description = "Any of these subcategory ids"),
        ("price" = Option<String>, Query, description = "Any of free, byol, freemium"),
        ("memory" = Option<String>, Query, description = "Any of these classes of memory, measured or else declared: 32m, 128m, 512m, 2g (above the one before, up to so much), more, unknown"),
        ("publisher" = Option<String>, Query, description = "Any of these publisher ids"),
        ("device" = Option<String>, Query, description = "A platform, or rpi-64, rpi-32, pc: what does not fit comes last, with fits = false"),
        ("sort" = Option<String>, Query, description = "relevance (default), newest, title"),
        ("limit" = Option<usize>, Query, description = "1 to 100, by default 20"),
        ("cursor" = Option<String>, Query, description = "next of the part before"),
    ),
    responses(
        (status = 200, description = "A part of what was found", body = ModuleList),
        (status = 304, description = "The catalog has not changed"),
        (status = 400, description = "A value that cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(web): State<Web>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::read(&params)?;
    let query = query(&params, page)?;
    let snapshot = web.app.catalog.snapshot();
    from_catalog(&snapshot, &headers, || {
        let results = snapshot.search(&query);
        let fits = |fits: bool| query.device.is_some().then_some(fits);
        Ok(ModuleList {
            items: results
                .hits
                .iter()
                .map(|hit| ModuleItem::of(&web.app, &hit.module, fits(hit.fits)))
                .collect(),
            total: results.total,
            facets: facets(&results.facets),
            next: page.next(results.total),
        })
    })
}

fn platform(field: &str, text: &str) -> Result<Platform, Problem> {
    let read = text
        .parse::<Platform>()
        .map(|platform| platform.normalized());
    read.map_err(|error| {
        Problem::bad_request(format!(
            "`{field}` is a platform such as linux/arm64: {error}."
        ))
    })
}

fn query(params: &Params, page: Page) -> Result<Query, Problem> {
    let [platforms, categories, prices, memory, publishers] = FACETS.map(|name| params.list(name));
    let device = match params.get("device") {
        "" => None,
        text => match Device::find(text) {
            Some(device) => Some(device.platform),
            None => Some(platform("device", text)?),
        },
    };
    Ok(Query {
        text: params.get("q").to_owned(),
        platforms: platforms
            .iter()
            .map(|text| platform("platform", text))
            .collect::<Result<_, _>>()?,
        categories,
        prices,
        memory,
        publishers,
        device,
        sort: Sort::from_word(params.get("sort")),
        offset: page.offset,
        limit: page.limit,
    })
}

/// A module of the catalog, listed or stopped.
pub(super) fn module(app: &App, places: &Places) -> Result<Arc<Module>, Problem> {
    Ok(app.module(&places.offer()?)?)
}

/// One module with its plans, versions and default configurations. A hidden plan is shown only when `plan` names it.
#[utoipa::path(get, path = "/api/v1/modules/{publisher}/{offer}", tag = "modules",
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("plan" = Option<String>, Query, description = "A hidden plan to show as well"),
    ),
    responses(
        (status = 200, description = "The module", body = ModuleDetail),
        (status = 304, description = "The catalog has not changed"),
        (status = 404, description = "No such module", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "Taken down by the operator; `reason` says why", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    places: Places,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let module = module(&web.app, &places)?;
    let named = params.get("plan").to_owned();
    from_catalog(&web.app.catalog.snapshot(), &headers, || {
        let shown = module
            .plans
            .iter()
            .filter(|plan| !plan.hidden || plan.plan.as_str() == named);
        Ok(ModuleDetail {
            item: ModuleItem::of(&web.app, &module, None),
            description: module.description.clone(),
            short_description: module.short_description.clone(),
            minimum_hardware: module.hardware.clone(),
            licence: module.licence.clone(),
            documentation_url: module.documentation_url.clone(),
            privacy_policy_url: module.privacy_policy_url.clone(),
            terms: json!(module.terms),
            support: json!(module.support),
            links: json!(module.links),
            listed: module.listed,
            stopped: module.stop.as_ref().map(|stop| json!(stop)),
            plans: shown.map(|plan| PlanDetail::of(&web.app, plan)).collect(),
        })
    })
}

/// The certification of a module.
#[derive(Serialize, ToSchema)]
pub(super) struct Certification {
    #[serde(flatten)]
    checks: Checks,
    /// Plan → digest of the image that was checked.
    #[schema(value_type = Object)]
    digests: Value,
    /// `passed 31 of 31 checks on DATE for DIGEST …`, for each plan.
    summaries: Vec<String>,
    /// Version of the policy it was made under.
    policy_version: String,
    /// One for each rule: `code`, `title`, `level`, `state`, `outcomes`.
    #[schema(value_type = Vec<Object>)]
    results: Value,
    /// The newest run of each image of the newest version of each listed plan, as measured.
    runs: Vec<MeasuredRun>,
}

async fn runs(web: &Web, module: &Module) -> Result<Vec<MeasuredRun>, Problem> {
    let public = web.app.settings.public_url.as_str().trim_end_matches('/');
    let page = format!("{public}{}", path(module));
    let mut measured = Vec::new();
    for summary in module.public_plans().flat_map(|plan| &plan.runs) {
        if let Some(run) = store::runs::find(&web.app.reader, &summary.id).await? {
            measured.push(MeasuredRun::of(&run, &page));
        }
    }
    Ok(measured)
}

/// The report behind "passed N of N checks", rule by rule, bound to the digests it looked at.
#[utoipa::path(get, path = "/api/v1/modules/{publisher}/{offer}/certification", tag = "modules",
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
    ),
    responses(
        (status = 200, description = "The report", body = Certification),
        (status = 304, description = "The catalog has not changed"),
        (status = 404, description = "No such module, or no report on it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "Taken down by the operator; `reason` says why", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn certification(
    State(web): State<Web>,
    places: Places,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let module = module(&web.app, &places)?;
    let report = module.report.clone();
    let report = report.ok_or_else(|| Problem::not_found("certification report on this module"))?;
    let runs = runs(&web, &module).await?;
    from_catalog(&web.app.catalog.snapshot(), &headers, || {
        let date = crate::format::day(report.checked_at);
        Ok(Certification {
            checks: Checks::of(&report),
            digests: json!(report.digests),
            summaries: report
                .digests
                .values()
                .map(|digest| report.summary_line(&date, digest))
                .collect(),
            policy_version: report.policy_version.clone(),
            results: json!(report.results),
            runs,
        })
    })
}
