//! The shapes of answers about modules, plans and reports. Times are RFC 3339 in UTC, sizes are bytes.

use std::collections::BTreeMap;

use app::App;
use app::catalog::{Facets, Module, ModulePlan, memory_limit};
use app::clock::rfc3339;
use certify::Report;
use domain::release::Release;
use serde::Serialize;
use serde_json::{Value, json};
use store::runs::{Run, Summary};
use utoipa::ToSchema;

use crate::storefront;

/// How every error looks (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, in a few words.
    title: String,
    /// HTTP status.
    status: u16,
    /// Why, and what to do.
    detail: String,
    /// Path of the request.
    instance: String,
    /// Fields that broke rules, each with `field`, `limit`, `found`, `fix`.
    #[schema(value_type = Option<Vec<Object>>)]
    violations: Option<Value>,
    /// Why the operator took it down.
    reason: Option<String>,
    /// Placeholders without a value, each with `name` and `places`.
    #[schema(value_type = Option<Vec<Object>>)]
    unfilled: Option<Value>,
    /// Why a module cannot be merged, each with `code`, `pointer`, `what`, `fix`.
    #[schema(value_type = Option<Vec<Object>>)]
    conflicts: Option<Value>,
}

/// A module as lists have it.
#[derive(Serialize, ToSchema)]
pub(super) struct ModuleItem {
    /// `publisher.offer`
    pub(super) id: String,
    pub(super) publisher: String,
    pub(super) offer: String,
    pub(super) title: String,
    pub(super) summary: String,
    /// Such as `linux/arm64`; of the newest releases of all listed plans.
    pub(super) platforms: Vec<String>,
    pub(super) publisher_title: String,
    /// The operator has confirmed who the publisher is.
    pub(super) verified: bool,
    /// Ids of subcategories.
    pub(super) categories: Vec<String>,
    pub(super) keywords: Vec<String>,
    /// `free`, `byol`, `freemium`
    pub(super) price_models: Vec<&'static str>,
    /// Newest version of the first listed plan.
    pub(super) version: Option<String>,
    /// Compressed bytes for each platform, of the first listed plan that has it.
    pub(super) sizes: BTreeMap<String, u64>,
    /// Most bytes of memory that the newest version used when it was run, for each platform on which that was measured.
    pub(super) memory_measured: BTreeMap<String, u64>,
    /// Most bytes of memory that a listed plan declares to the container engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_limit: Option<u64>,
    /// Absent while there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checks: Option<Checks>,
    /// Only when `device` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fits: Option<bool>,
    /// Time of the newest release.
    pub(super) released_at: String,
    /// Path of the 90×90 logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logo: Option<String>,
    /// The module's page.
    pub(super) url: String,
}

/// Counts of a certification report.
#[derive(Serialize, ToSchema)]
pub(super) struct Checks {
    pub(super) passed: usize,
    /// Applicable rules that ran; warnings and waived rules are counted apart.
    pub(super) applicable: usize,
    /// Rules that failed and that a reviewer waived.
    pub(super) waived: usize,
    pub(super) checked_at: String,
}

impl Checks {
    pub(super) fn of(report: &Report) -> Self {
        Self {
            passed: report.passed(),
            applicable: report.applicable(),
            waived: report.waived(),
            checked_at: rfc3339(report.checked_at),
        }
    }
}

impl ModuleItem {
    pub(super) fn of(app: &App, module: &Module, fits: Option<bool>) -> Self {
        let mut models: Vec<&'static str> = Vec::new();
        let mut sizes = BTreeMap::new();
        for plan in module.public_plans() {
            let model = model(plan);
            if !models.contains(&model) {
                models.push(model);
            }
            for one in plan
                .releases
                .first()
                .map(|r| r.platforms.as_slice())
                .unwrap_or_default()
            {
                sizes
                    .entry(one.platform.normalized().to_string())
                    .or_insert(one.compressed_bytes);
            }
        }
        let mut memory_measured: BTreeMap<String, u64> = BTreeMap::new();
        for (platform, bytes) in module.public_plans().flat_map(ModulePlan::memory_measured) {
            let most = memory_measured
                .entry(platform.normalized().to_string())
                .or_default();
            *most = bytes.max(*most);
        }
        let limits = module
            .public_plans()
            .filter_map(|plan| plan.releases.first());
        let newest = module
            .public_plans()
            .next()
            .and_then(|plan| plan.releases.first());
        let page = storefront::path(module);
        Self {
            id: module.key.to_string(),
            publisher: module.key.publisher.to_string(),
            offer: module.key.offer.to_string(),
            title: module.title.clone(),
            summary: module.summary.clone(),
            platforms: module.platforms.iter().map(ToString::to_string).collect(),
            publisher_title: module.publisher_title.clone(),
            verified: module.verified,
            categories: module.categories.clone(),
            keywords: module.keywords.clone(),
            price_models: models,
            version: newest.map(|release| release.version.to_string()),
            sizes,
            memory_measured,
            memory_limit: limits.filter_map(memory_limit).max(),
            checks: module.report.as_ref().map(Checks::of),
            fits,
            released_at: rfc3339(module.released_at),
            logo: Some(storefront::logo(&module.logos.medium)).filter(|path| !path.is_empty()),
            url: format!(
                "{}{page}",
                app.settings.public_url.as_str().trim_end_matches('/')
            ),
        }
    }
}

fn model(plan: &ModulePlan) -> &'static str {
    use domain::offer::Price;
    match plan.price {
        Price::Free => "free",
        Price::Byol { .. } => "byol",
        Price::Freemium { .. } => "freemium",
    }
}

/// One value of a facet.
#[derive(Serialize, ToSchema)]
pub(super) struct FacetCount {
    pub(super) value: String,
    pub(super) title: String,
    pub(super) count: usize,
    pub(super) selected: bool,
}

/// Counts by facet: `platform`, `category`, `price`, `memory`, `publisher`.
pub(super) fn facets(facets: &Facets) -> BTreeMap<&'static str, Vec<FacetCount>> {
    let by_name = facets.0.iter().map(|facet| {
        let values = facet.values.iter().map(|value| FacetCount {
            value: value.value.clone(),
            title: value.title.clone(),
            count: value.count,
            selected: value.selected,
        });
        (facet.name, values.collect())
    });
    by_name.collect()
}

/// A part of the modules found.
#[derive(Serialize, ToSchema)]
pub(super) struct ModuleList {
    pub(super) items: Vec<ModuleItem>,
    /// Modules found in all.
    pub(super) total: usize,
    pub(super) facets: BTreeMap<&'static str, Vec<FacetCount>>,
    /// `cursor` of the next part; null at the end.
    pub(super) next: Option<String>,
}

/// A module with everything that is public about it.
#[derive(Serialize, ToSchema)]
pub(super) struct ModuleDetail {
    #[serde(flatten)]
    pub(super) item: ModuleItem,
    /// Cleaned HTML.
    pub(super) description: String,
    pub(super) short_description: String,
    /// The minimum-hardware paragraph as plain text.
    pub(super) minimum_hardware: String,
    pub(super) licence: String,
    pub(super) documentation_url: String,
    pub(super) privacy_policy_url: String,
    #[schema(value_type = Object)]
    pub(super) terms: Value,
    #[schema(value_type = Object)]
    pub(super) support: Value,
    #[schema(value_type = Vec<Object>)]
    pub(super) links: Value,
    /// False when the publisher has stopped selling it.
    pub(super) listed: bool,
    /// Why and since when, and what to use instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) stopped: Option<Value>,
    pub(super) plans: Vec<PlanDetail>,
}

/// A plan: one image repository, one default configuration, one price model.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanDetail {
    pub(super) plan: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) hidden: bool,
    /// `free`, `byol`, `freemium`
    pub(super) price_model: &'static str,
    /// The model with its texts: licence instructions, restrictions.
    #[schema(value_type = Object)]
    pub(super) price: Value,
    /// Host and repository to pull from.
    pub(super) image: String,
    /// Newest first.
    pub(super) versions: Vec<VersionDetail>,
    /// The newest run of each image of the newest version; images that were never run are not named.
    pub(super) runs: Vec<RunDetail>,
    /// What the customer has to say for the newest version, each with `name` and `places`.
    #[schema(value_type = Vec<Object>)]
    pub(super) placeholders: Value,
}

/// A version of a plan; it never changes.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionDetail {
    pub(super) version: String,
    pub(super) digest: String,
    pub(super) tags: Vec<String>,
    pub(super) platforms: Vec<String>,
    /// One for each platform.
    pub(super) images: Vec<ImageDetail>,
    /// Image reference by digest, as manifests have it.
    pub(super) reference: String,
    pub(super) released_at: String,
    pub(super) notes: String,
    /// Routes, twin, environment variables and createOptions that the module starts with.
    #[schema(value_type = Object)]
    pub(super) defaults: Value,
}

/// The image for one platform.
#[derive(Serialize, ToSchema)]
pub(super) struct ImageDetail {
    pub(super) platform: String,
    pub(super) digest: String,
    pub(super) compressed_bytes: u64,
    pub(super) layers: u32,
}

/// An image that was run, with its plan's defaults, in an IoT Edge environment.
#[derive(Serialize, ToSchema)]
pub(super) struct RunDetail {
    pub(super) plan: String,
    pub(super) platform: String,
    /// The manifest of the image.
    pub(super) digest: String,
    pub(super) ran_at: String,
    /// Run again in a night, after it went live.
    pub(super) nightly: bool,
    /// Version of the environment.
    pub(super) environment: String,
    /// Container engine.
    pub(super) engine: String,
    /// Rules on running modules that passed…
    pub(super) passed: u64,
    /// …of those that applied; warnings are counted apart.
    pub(super) applicable: u64,
    /// Codes of the rules that it broke.
    pub(super) broken: Vec<String>,
    /// An emulator ran it, so what it took was not measured.
    pub(super) emulated: bool,
    /// Why it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_peak_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_steady_bytes: Option<u64>,
    /// Processor time as a share of one core, in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_permille: Option<u64>,
}

/// A run with everything that was seen.
#[derive(Serialize, ToSchema)]
pub(super) struct MeasuredRun {
    #[serde(flatten)]
    run: RunDetail,
    /// First start, messages, reactions, outage, stop, later starts, network, what it took, and a timeline; null when it
    /// was not run. New fields may come.
    #[schema(value_type = Option<Object>)]
    observed: Option<Value>,
    /// What of the createOptions it was not given.
    left_out: Vec<String>,
    /// Address of the event log: JSON lines, gzip.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl MeasuredRun {
    /// `page` is the address of the module's page.
    pub(super) fn of(run: &Run, page: &str) -> Self {
        let summary = &run.summary;
        let log = summary.log.as_ref();
        Self {
            observed: run.observed.as_ref().ok().map(|seen| json!(seen)),
            left_out: run.left_out.clone(),
            log: log.map(|_| format!("{page}/runs/{}/log", summary.id)),
            run: RunDetail::of(summary),
        }
    }
}

impl RunDetail {
    pub(super) fn of(run: &Summary) -> Self {
        let took = run.footprint;
        Self {
            plan: run.plan.to_string(),
            platform: run.platform.to_string(),
            digest: run.digest.to_string(),
            ran_at: rfc3339(run.began_at),
            nightly: run.nightly,
            environment: run.environment.clone(),
            engine: run.engine.clone(),
            passed: run.passed,
            applicable: run.applicable,
            broken: run.broken.clone(),
            emulated: run.emulated,
            not_run: run.why_not.clone(),
            memory_peak_bytes: took.map(|took| took.memory_peak_bytes),
            memory_steady_bytes: took.map(|took| took.memory_steady_bytes),
            cpu_permille: took.map(|took| took.cpu_permille),
        }
    }
}

impl PlanDetail {
    pub(super) fn of(app: &App, plan: &ModulePlan) -> Self {
        Self {
            plan: plan.plan.to_string(),
            title: plan.title.clone(),
            summary: plan.summary.clone(),
            description: plan.description.clone(),
            hidden: plan.hidden,
            price_model: model(plan),
            price: json!(plan.price),
            image: format!("{}/{}", app.settings.registry_host, plan.repository),
            versions: plan
                .releases
                .iter()
                .map(|release| version(app, plan, release))
                .collect(),
            runs: plan.runs.iter().map(RunDetail::of).collect(),
            placeholders: json!(plan.placeholders),
        }
    }
}

fn version(app: &App, plan: &ModulePlan, release: &Release) -> VersionDetail {
    let image = |one: &domain::release::ReleasePlatform| ImageDetail {
        platform: one.platform.to_string(),
        digest: one.digest.to_string(),
        compressed_bytes: one.compressed_bytes,
        layers: one.layers,
    };
    VersionDetail {
        version: release.version.to_string(),
        digest: release.digest.to_string(),
        tags: release.tags.clone(),
        platforms: release
            .platforms
            .iter()
            .map(|one| one.platform.to_string())
            .collect(),
        images: release.platforms.iter().map(image).collect(),
        reference: app::deploy::image_reference(app, plan, release),
        released_at: rfc3339(release.released_at),
        notes: release.notes.clone(),
        defaults: json!(release.defaults),
    }
}
