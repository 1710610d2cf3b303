//! Releases: what went live once. Rows are added and read, never changed.

use domain::ids::{OfferKey, PlanName};
use domain::release::Release;
use domain::tag::Version;
use oci::Digest;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::column::Row;
use crate::entity::release::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

fn read(model: Model) -> Result<Release, Error> {
    let key = format!(
        "{}.{}/{} {}",
        model.publisher, model.offer, model.plan, model.version
    );
    let row = Row {
        table: "releases",
        key: &key,
    };
    Ok(Release {
        key: OfferKey {
            publisher: row.read("publisher", &model.publisher)?,
            offer: row.read("offer", &model.offer)?,
        },
        plan: row.read("plan", &model.plan)?,
        version: row.read("version", &model.version)?,
        digest: row.read("digest", &model.digest)?,
        tags: row.read_json("tags", &model.tags)?,
        platforms: row.read_json("platforms", &model.platforms)?,
        defaults: row.read_json("defaults", &model.defaults)?,
        notes: model.notes,
        submission: model.submission,
        released_at: model.released_at,
    })
}

/// Newest version first, as numbers; plans of one offer in order of name. SQL cannot compare versions.
fn sorted(models: Vec<Model>) -> Result<Vec<Release>, Error> {
    let mut releases: Vec<Release> = models.into_iter().map(read).collect::<Result<_, _>>()?;
    releases.sort_by(|a, b| a.plan.cmp(&b.plan).then(b.version.cmp(&a.version)));
    Ok(releases)
}

/// Adds a release. `Conflict` when the plan has this version already.
pub async fn insert(tx: &Tx, release: &Release) -> Result<(), Error> {
    let version = release.version.to_string();
    let row = Row {
        table: "releases",
        key: &version,
    };
    let model = Model {
        publisher: release.key.publisher.to_string(),
        offer: release.key.offer.to_string(),
        plan: release.plan.to_string(),
        digest: release.digest.to_string(),
        tags: row.json("tags", &release.tags)?,
        platforms: row.json("platforms", &release.platforms)?,
        defaults: row.json("defaults", &release.defaults)?,
        notes: release.notes.clone(),
        submission: release.submission.clone(),
        released_at: release.released_at,
        version,
    };
    write::insert(tx, model.into_active_model(), "the version of the plan").await
}

/// Every release of a plan, newest version first.
pub async fn of_plan(
    source: &impl Source,
    key: &OfferKey,
    plan: &PlanName,
) -> Result<Vec<Release>, Error> {
    let query = Entity::find()
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
        .filter(Column::Plan.eq(plan.as_str()))
        .order_by_asc(Column::Version);
    sorted(query.all(&source.connection()).await?)
}

/// Every release of an offer: plans in order of name, the newest version of each first.
pub async fn of_offer(source: &impl Source, key: &OfferKey) -> Result<Vec<Release>, Error> {
    let query = Entity::find()
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Version);
    sorted(query.all(&source.connection()).await?)
}

/// One version of a plan.
pub async fn find(
    source: &impl Source,
    key: &OfferKey,
    plan: &PlanName,
    version: Version,
) -> Result<Option<Release>, Error> {
    let key = (
        key.publisher.to_string(),
        key.offer.to_string(),
        plan.to_string(),
        version.to_string(),
    );
    let found = Entity::find_by_id(key).one(&source.connection()).await?;
    found.map(read).transpose()
}

/// The releases whose version names this index or manifest, oldest first.
pub async fn by_digest(source: &impl Source, digest: &Digest) -> Result<Vec<Release>, Error> {
    let query = Entity::find()
        .filter(Column::Digest.eq(digest.as_str()))
        .order_by_asc(Column::ReleasedAt)
        .order_by_asc(Column::Submission)
        .order_by_asc(Column::Plan);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}
