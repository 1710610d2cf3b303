//! `/modules/{publisher}/{offer}`: everything about one module. Tabs are addresses, the deploy card stands beside all of
//! them. A plan or version that is named but not there answers 404; a hidden plan shows only to who names it.

mod configure;
mod facts;
mod plans;
mod report;
mod run_log;
mod tiles;

use std::sync::Arc;

use app::App;
use app::catalog::{Hit, Module, ModulePlan};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::release::Release;
use domain::taxonomy;

use super::card::{Card, path};
use super::device::{self, Device};
use crate::certification::ReportView;
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::page;
use crate::params::{Params, Places, address};
use crate::pieces::{Choice, Fact, Link};
use crate::problem::Problem;
use crate::runs::{self, RunView};
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

pub(crate) use configure::{pretty, wanted};
pub(crate) use facts::web_address;
pub(super) use run_log::download as run_log;

/// The tabs, first one default.
const TABS: [&str; 5] = [
    "overview",
    "plans",
    "configure",
    "certification",
    "versions",
];

/// A module with the plan and the release that the page is about.
pub(super) struct Chosen<'a> {
    pub(super) module: &'a Module,
    pub(super) plan: &'a ModulePlan,
    pub(super) release: &'a Release,
    pub(super) device: Option<&'a Device>,
    /// Path of the page.
    pub(super) base: String,
}

impl<'a> Chosen<'a> {
    /// Reads `plan=` and `version=`; without them the first listed plan and its newest release.
    pub(super) fn read(
        module: &'a Module,
        params: &Params,
        device: Option<&'a Device>,
    ) -> Result<Self, Problem> {
        let plan = match params.get("plan") {
            "" => module.public_plans().next(),
            name => module.plan(name),
        };
        let named = plan.map_or(params.get("plan"), |plan| plan.plan.as_str());
        if let Some(withdrawn) = module.withdrawn(named, params.get("version")) {
            return Err(Problem::from(app::error::Refused::Gone {
                what: "version",
                name: withdrawn.version.to_string(),
                reason: withdrawn.reason.clone(),
            }));
        }
        let plan = plan.ok_or_else(|| Problem::not_found("plan of that name"))?;
        let release = plan.release(Some(params.get("version")));
        let release =
            release.ok_or_else(|| Problem::not_found("version of that number in this plan"))?;
        Ok(Self {
            module,
            plan,
            release,
            device,
            base: path(module),
        })
    }

    fn device_id(&self) -> &str {
        self.device
            .map(|device| device.id.as_str())
            .unwrap_or_default()
    }

    /// `version=` for addresses: empty for the newest, so that links keep pointing at what is newest.
    pub(super) fn version_field(&self) -> String {
        let newest = self.plan.releases.first().map(|r| r.version);
        if newest == Some(self.release.version) {
            String::new()
        } else {
            self.release.version.to_string()
        }
    }

    /// The address of this page with another tab, plan or version.
    pub(super) fn href(&self, tab: &str, plan: &str, version: &str) -> String {
        let tab = if tab == TABS[0] { "" } else { tab };
        let first = self.module.public_plans().next().map(|p| p.plan.as_str());
        let plan = if Some(plan) == first { "" } else { plan };
        let fields = [
            ("tab", tab),
            ("plan", plan),
            ("version", version),
            ("device", self.device_id()),
        ];
        address(&self.base, fields)
    }

    /// By digest, as the manifest has it.
    pub(super) fn reference(&self, app: &App) -> String {
        app::deploy::image_reference(app, self.plan, self.release)
    }
}

/// A notice of a module that is no longer sold.
pub(super) struct Stopped {
    why: String,
    alternative: String,
    alternative_href: String,
}

/// The deploy card.
struct Deploy {
    plans: Vec<Choice>,
    versions: Vec<Choice>,
    reference: String,
    digest: String,
    manifest: String,
    command: String,
    get: String,
    missing: u32,
}

#[derive(Template)]
#[template(path = "storefront/product.html")]
struct Product {
    layout: Layout,
    crumbs: Vec<Link>,
    here: String,
    preview: String,
    tab: &'static str,
    card: Card,
    categories: Vec<Link>,
    platforms: Vec<String>,
    tiles: Vec<tiles::Tile>,
    tabs: Vec<Link>,
    deploy: Deploy,
    stopped: Option<Stopped>,
    got: bool,
    device_id: String,
    description: String,
    facts: Vec<Fact>,
    links: Vec<Link>,
    pulls: Vec<(&'static str, String)>,
    plans: Vec<plans::Column>,
    plan_title: String,
    configure: Option<configure::Configure>,
    report: Option<ReportView>,
    runs: Vec<RunView>,
    broken: String,
    versions: Vec<plans::VersionRow>,
    withdrawn: Vec<String>,
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let module = web.app.module(&places.offer()?)?;
    render(&web, &visitor, &module, &params, None).await
}

/// The page of a module; with `preview`, of one that is not live yet, at the address given.
pub(crate) async fn render(
    web: &Web,
    visitor: &Visitor,
    module: &Arc<Module>,
    params: &Params,
    preview: Option<String>,
) -> Result<Response, Problem> {
    let device = Device::find(params.get("device"));
    let mut chosen = Chosen::read(module, params, device.as_ref())?;
    if let Some(base) = &preview {
        chosen.base.clone_from(base);
    }
    let tab = TABS
        .into_iter()
        .find(|tab| *tab == params.get("tab"))
        .unwrap_or(TABS[0]);
    let report = report::of(&web.app, &chosen).await?;
    let runs = if tab == "certification" {
        measured(web, &chosen).await?
    } else {
        Vec::new()
    };
    let hit = Hit {
        module: Arc::clone(module),
        fits: true,
    };
    let mut layout = visitor.layout("modules");
    layout.device = device_choice(&chosen, params);
    page(&Product {
        layout,
        crumbs: crumbs(module),
        here: chosen.base.clone(),
        preview: preview.unwrap_or_default(),
        tab,
        card: Card::of(&hit, device.as_ref()),
        categories: categories(module),
        platforms: chosen
            .release
            .platforms
            .iter()
            .map(|p| p.platform.to_string())
            .collect(),
        tiles: tiles::of(&chosen, report.as_ref()),
        tabs: tabs(&chosen, tab),
        deploy: deploy(&web.app, &chosen, params),
        stopped: stopped(&web.app, module),
        got: params.has("got"),
        device_id: chosen.device_id().to_owned(),
        description: module.description.clone(),
        facts: facts::of(&chosen),
        links: facts::links(module),
        pulls: plans::pulls(&web.app, &chosen),
        plans: if tab == "plans" {
            plans::columns(&chosen)
        } else {
            Vec::new()
        },
        plan_title: chosen.plan.title.clone(),
        configure: (tab == "configure")
            .then(|| configure::of(&web.app, &chosen, params))
            .transpose()?,
        report: report
            .as_ref()
            .map(|report| ReportView::of(report, chosen.release.digest.as_str())),
        runs,
        broken: runs::broken_line(&chosen.plan.runs).unwrap_or_default(),
        versions: if tab == "versions" {
            plans::versions(&chosen)
        } else {
            Vec::new()
        },
        withdrawn: withdrawn(&chosen),
    })
}

/// What was measured of the chosen release, by the submission that made it and by what is live now.
async fn measured(web: &Web, chosen: &Chosen<'_>) -> Result<Vec<RunView>, Problem> {
    let made_by = chosen.release.submission.as_str();
    let mut submissions = vec![made_by];
    if chosen.module.submission != made_by {
        submissions.push(chosen.module.submission.as_str());
    }
    let base = format!("{}/runs", chosen.base);
    let plan = chosen.plan.plan.as_str();
    let platforms = &chosen.release.platforms;
    runs::of_release(&web.app.reader, &submissions, plan, platforms, &base).await
}

fn device_choice(chosen: &Chosen<'_>, params: &Params) -> crate::layout::DeviceChoice {
    let kept = params
        .0
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "tab" | "plan" | "version"));
    device::choice(chosen.device, &chosen.base, kept.cloned().collect())
}

fn crumbs(module: &Module) -> Vec<Link> {
    let category = module
        .categories
        .first()
        .and_then(|id| taxonomy::subcategory(id));
    let mut crumbs = super::search::crumbs(category);
    crumbs.push(Link {
        label: module.title.clone(),
        ..Link::default()
    });
    crumbs
}

fn categories(module: &Module) -> Vec<Link> {
    let known = module
        .categories
        .iter()
        .filter_map(|id| taxonomy::subcategory(id));
    known
        .map(|category| Link {
            label: category.title.to_owned(),
            href: format!("/categories/{}", category.id),
            ..Link::default()
        })
        .collect()
}

fn tabs(chosen: &Chosen<'_>, current: &str) -> Vec<Link> {
    let version = chosen.version_field();
    let count = |tab: &str| match tab {
        "plans" => Some(chosen.module.public_plans().count() as u64),
        "versions" => Some(chosen.plan.releases.len() as u64),
        _ => None,
    };
    let link = |tab: &'static str| Link {
        label: word("product.tab", tab).into_owned(),
        href: chosen.href(tab, chosen.plan.plan.as_str(), &version),
        count: count(tab),
        current: tab == current,
    };
    TABS.into_iter().map(link).collect()
}

fn deploy(app: &App, chosen: &Chosen<'_>, params: &Params) -> Deploy {
    let plan = chosen.plan.plan.as_str();
    let shown = chosen
        .module
        .plans
        .iter()
        .filter(|p| !p.hidden || p.plan == chosen.plan.plan);
    let plans = shown.map(|p| Choice {
        value: p.plan.to_string(),
        label: format!("{} · {}", p.title, word("price", p.price.model())),
        selected: p.plan == chosen.plan.plan,
        ..Choice::default()
    });
    let versions = chosen
        .plan
        .releases
        .iter()
        .enumerate()
        .map(|(at, release)| Choice {
            // The newest is chosen by not naming it.
            value: if at == 0 {
                String::new()
            } else {
                release.version.to_string()
            },
            label: if at == 0 {
                crate::messages::t1("deploy.newest", release.version)
            } else {
                release.version.to_string()
            },
            selected: release.version == chosen.release.version,
            ..Choice::default()
        });
    let missing = domain::placeholder::find(&chosen.release.defaults);
    let missing = missing
        .iter()
        .filter(|p| params.get(&format!("set.{}", p.name)).is_empty())
        .count();
    let get = address(&format!("{}/get", path(chosen.module)), [("plan", plan)]);
    Deploy {
        plans: plans.collect(),
        versions: versions.collect(),
        reference: format!("docker pull {}", chosen.reference(app)),
        digest: chosen.release.digest.to_string(),
        manifest: format!(
            "{}#manifest",
            chosen.href("configure", plan, &chosen.version_field())
        ),
        command: command(chosen),
        get,
        missing: u32::try_from(missing).unwrap_or(u32::MAX),
    }
}

/// The line for a terminal.
fn command(chosen: &Chosen<'_>) -> String {
    let mut line = format!("edgemart add {}", chosen.module.key);
    if chosen.module.plans.len() > 1 {
        line.push_str(&format!(" --plan {}", chosen.plan.plan));
    }
    let version = chosen.version_field();
    if !version.is_empty() {
        line.push_str(&format!(" --version {version}"));
    }
    line.push_str(" \\\n  --file deployment.json");
    for placeholder in domain::placeholder::find(&chosen.release.defaults) {
        line.push_str(&format!(" \\\n  --set {}=…", placeholder.name));
    }
    line
}

/// One sentence for each version of the plan that the operator took down.
fn withdrawn(chosen: &Chosen<'_>) -> Vec<String> {
    let of_plan = chosen
        .module
        .withdrawn
        .iter()
        .filter(|one| one.plan == chosen.plan.plan);
    of_plan
        .map(|one| crate::messages::t2("versions.taken_down", one.version, &one.reason))
        .collect()
}

fn stopped(app: &App, module: &Module) -> Option<Stopped> {
    use domain::lifecycle::StopReason;
    let stop = module.stop.as_ref().filter(|_| !module.listed)?;
    let why = match stop.reason {
        StopReason::EndOfSupport => t("stopped.end_of_support"),
        StopReason::SecurityIssue => t("stopped.security_issue"),
        StopReason::Other => t("stopped.other"),
    };
    let alternative = stop.alternative.as_deref().and_then(|key| key.parse().ok());
    let alternative = alternative
        .and_then(|key| app.catalog.module(&key))
        .filter(|m| m.listed);
    Some(Stopped {
        why: why.to_owned(),
        alternative: alternative
            .as_ref()
            .map(|m| m.title.clone())
            .unwrap_or_default(),
        alternative_href: alternative.as_ref().map(|m| path(m)).unwrap_or_default(),
    })
}
