//! Builds a snapshot from the live listings. A listing that cannot be read is left out and logged, never in the way of
//! the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use certify::Report;
use domain::ids::{OfferKey, PlanName, PublisherId};
use domain::lifecycle::OfferState;
use domain::offer::Plan;
use domain::release::{Release, ReleasePlatform};
use store::offers::OfferRow;
use store::publishers::Publisher;
use store::runs::Summary as Run;
use store::submissions::Submission;
use store::takedowns::Takedown;
use store::{Error, Reader};

use super::search::Index;
use super::{Module, ModulePlan, Snapshot, Withdrawn};
use crate::admin::standing;

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The listings could not be read.
    #[error(transparent)]
    Store(#[from] Error),
    /// They could not be indexed.
    #[error("search index: {0}")]
    Index(String),
}

/// Reads all live listings and indexes them.
pub async fn build(reader: &Reader) -> Result<Snapshot, BuildError> {
    // The version is read first: a change during the reading shows as a newer version at the next look.
    let version = store::catalog_version::current(reader).await?;
    let publishers: BTreeMap<PublisherId, Publisher> = store::publishers::list(reader, None)
        .await?
        .into_iter()
        .map(|publisher| (publisher.id.clone(), publisher))
        .collect();
    let mut down: BTreeMap<OfferKey, Vec<Takedown>> = BTreeMap::new();
    for takedown in store::takedowns::in_force(reader).await? {
        down.entry(takedown.key.clone()).or_default().push(takedown);
    }
    let (mut modules, mut gone) = (Vec::new(), BTreeMap::new());
    for (row, submission) in store::offers::listing_all_live(reader).await? {
        let releases = store::releases::of_offer(reader, &row.key).await?;
        let down = down.remove(&row.key).unwrap_or_default();
        let stands = standing(&releases, &down);
        if let (Some(last), true) = (down.last(), stands.is_empty()) {
            let whole = down.iter().find(|takedown| takedown.release.is_none());
            gone.insert(row.key, whole.unwrap_or(last).reason.clone());
            continue;
        }
        let runs = store::runs::summaries(reader, &submission.id).await?;
        match module(&row, submission, stands, runs, &publishers) {
            Some(mut module) => {
                module.withdrawn = withdrawn(down);
                modules.push(Arc::new(module));
            }
            None => {
                tracing::error!(offer = %row.key, "a live listing is incomplete and was left out of the catalog");
            }
        }
    }
    match tokio::task::spawn_blocking(move || Snapshot::of(version, modules)).await {
        Ok(built) => built.map(|snapshot| Snapshot { gone, ..snapshot }),
        Err(error) => Err(BuildError::Index(error.to_string())),
    }
}

fn withdrawn(down: Vec<Takedown>) -> Vec<Withdrawn> {
    let releases = down.into_iter().filter_map(|takedown| {
        let (plan, version) = takedown.release?;
        Some(Withdrawn {
            plan,
            version,
            reason: takedown.reason,
        })
    });
    releases.collect()
}

impl Snapshot {
    /// Indexes modules. Takes about half a second for ten thousand.
    pub fn of(version: i64, mut modules: Vec<Arc<Module>>) -> Result<Self, BuildError> {
        modules.sort_by(|a, b| a.key.cmp(&b.key));
        let index = Index::build(&modules).map_err(|e| BuildError::Index(e.to_string()))?;
        let listed = modules.iter().filter(|module| module.listed);
        let plans = listed.flat_map(|module| module.public_plans());
        let mut repositories: Vec<String> = plans.map(|plan| plan.repository.clone()).collect();
        repositories.sort_unstable();
        Ok(Self {
            version,
            repositories,
            modules,
            gone: BTreeMap::new(),
            index,
        })
    }
}

/// The module that a submission would become; `None` when it has no release to show.
pub(crate) async fn preview(
    reader: &Reader,
    submission: Submission,
    releases: Vec<Release>,
) -> Result<Option<Module>, Error> {
    let key = &submission.key;
    let Some(row) = store::offers::find(reader, key).await? else {
        return Ok(None);
    };
    let publisher = store::publishers::find(reader, &key.publisher).await?;
    let publishers = publisher.map(|publisher| (publisher.id.clone(), publisher));
    let shown = OfferRow {
        state: OfferState::Live,
        stop: None,
        ..row
    };
    let runs = store::runs::summaries(reader, &submission.id).await?;
    Ok(module(
        &shown,
        submission,
        releases,
        runs,
        &publishers.into_iter().collect(),
    ))
}

/// The plans that have a release, each with its releases, newest first; hidden plans last.
fn plans(
    key: &OfferKey,
    frozen: Vec<Plan>,
    releases: Vec<Release>,
    runs: &[Run],
) -> Vec<ModulePlan> {
    let mut by_plan: BTreeMap<_, Vec<Release>> = BTreeMap::new();
    for release in releases {
        by_plan
            .entry(release.plan.clone())
            .or_default()
            .push(release);
    }
    let joined = frozen.into_iter().filter_map(|plan| {
        let mut releases = by_plan.remove(&plan.plan)?;
        releases.sort_by_key(|release| std::cmp::Reverse(release.version));
        let newest = releases.first()?;
        Some(ModulePlan {
            repository: key.repository(&plan.plan),
            placeholders: domain::placeholder::find(&newest.defaults),
            runs: newest_runs(&plan.plan, newest, runs),
            plan: plan.plan,
            title: plan.title,
            summary: plan.summary,
            description: plan.description,
            hidden: plan.hidden,
            price: plan.price,
            releases,
        })
    });
    let mut plans: Vec<ModulePlan> = joined.collect();
    plans.sort_by_key(|plan| plan.hidden);
    plans
}

/// The newest run of each image of a release; they come newest first.
fn newest_runs(plan: &PlanName, release: &Release, runs: &[Run]) -> Vec<Run> {
    let of = |image: &ReleasePlatform| {
        let mut own = runs.iter().filter(|run| run.plan == *plan);
        own.find(|run| run.digest == image.digest).cloned()
    };
    release.platforms.iter().filter_map(of).collect()
}

/// Joins one offer; `None` when it has no release to show.
pub(super) fn module(
    row: &OfferRow,
    submission: Submission,
    releases: Vec<Release>,
    runs: Vec<Run>,
    publishers: &BTreeMap<PublisherId, Publisher>,
) -> Option<Module> {
    let publisher = publishers.get(&row.key.publisher)?;
    let offer = submission.frozen;
    let plans = plans(&row.key, offer.plans, releases, &runs);
    let newest = plans.iter().filter_map(|plan| plan.releases.first());
    let released_at = newest.map(|release| release.released_at).max()?;
    let mut platforms: Vec<_> = plans
        .iter()
        .filter(|plan| !plan.hidden)
        .filter_map(|plan| plan.releases.first())
        .flat_map(|release| release.platforms.iter().map(|p| p.platform.normalized()))
        .collect();
    platforms.sort();
    platforms.dedup();
    let first_released_at = plans
        .iter()
        .flat_map(|plan| &plan.releases)
        .map(|release| release.released_at)
        .min()?;
    Some(Module {
        key: row.key.clone(),
        listed: row.state == OfferState::Live,
        stop: row.stop.clone(),
        publisher_title: publisher.title.clone(),
        verified: publisher.verified,
        description_text: domain::html::plain_text(&offer.listing.description),
        hardware: domain::html::last_paragraph(&offer.listing.description).unwrap_or_default(),
        title: offer.listing.title,
        summary: offer.listing.summary,
        short_description: offer.listing.short_description,
        description: offer.listing.description,
        keywords: offer.listing.keywords,
        categories: offer.properties.categories,
        kind: offer.properties.kind,
        logos: offer.listing.logos,
        links: offer.listing.useful_links,
        documentation_url: offer.listing.documentation_url,
        privacy_policy_url: offer.listing.privacy_policy_url,
        support: offer.listing.support_contact,
        terms: offer.properties.terms,
        licence: offer.properties.licence,
        plans,
        platforms,
        report: submission
            .report
            .and_then(|value| serde_json::from_value::<Report>(value).ok()),
        submission: submission.id,
        first_released_at,
        released_at,
        withdrawn: Vec::new(),
    })
}
