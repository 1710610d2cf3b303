//! Takedowns: modules and releases that the operator took off the marketplace, and the digests that each of them
//! withholds. Withheld rows stand only while their takedown is in force; the takedowns themselves are never deleted.

use domain::ids::{OfferKey, PlanName};
use domain::tag::Version;
use oci::Digest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::column::Row;
use crate::entity::takedown::{Column, Entity, Model};
use crate::entity::withheld_digest;
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write::{self, BINDS_MAX};

/// A takedown of a module, or of one release of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Takedown {
    /// UUIDv7.
    pub id: String,
    /// Which module.
    pub key: OfferKey,
    /// Which release alone; the whole module when there is none.
    pub release: Option<(PlanName, Version)>,
    /// Why, for everyone to read.
    pub reason: String,
    /// The operator's account.
    pub taken_by: String,
    /// Microseconds since 1970, UTC.
    pub taken_at: i64,
    /// From then on the bytes may go.
    pub purge_at: i64,
    /// When they went.
    pub purged_at: Option<i64>,
    /// Who undid it, when, and why.
    pub lifted: Option<Lifted>,
}

/// How a takedown ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// The operator's account.
    pub by: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Why.
    pub reason: String,
}

/// A digest that a takedown withholds in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Where.
    pub repository: String,
    /// What.
    pub digest: Digest,
    /// A configuration or a layer, rather than a manifest.
    pub blob: bool,
    /// Also on the list of blocked digests, which holds in every repository.
    pub everywhere: bool,
}

fn read(model: Model) -> Result<Takedown, Error> {
    let row = Row {
        table: "takedowns",
        key: &model.id,
    };
    let release = match (&model.plan, &model.version) {
        (Some(plan), Some(version)) => {
            Some((row.read("plan", plan)?, row.read("version", version)?))
        }
        _ => None,
    };
    let lifted = model.lifted_at.map(|at| Lifted {
        by: model.lifted_by.clone().unwrap_or_default(),
        at,
        reason: model.lift_reason.clone().unwrap_or_default(),
    });
    Ok(Takedown {
        key: OfferKey {
            publisher: row.read("publisher", &model.publisher)?,
            offer: row.read("offer", &model.offer)?,
        },
        release,
        lifted,
        id: model.id,
        reason: model.reason,
        taken_by: model.taken_by,
        taken_at: model.taken_at,
        purge_at: model.purge_at,
        purged_at: model.purged_at,
    })
}

/// Adds a takedown that is in force.
pub async fn insert(tx: &Tx, takedown: &Takedown) -> Result<(), Error> {
    let takedown = takedown.clone();
    let (plan, version) = match takedown.release {
        Some((plan, version)) => (Some(plan.to_string()), Some(version.to_string())),
        None => (None, None),
    };
    let model = Model {
        id: takedown.id,
        publisher: takedown.key.publisher.into(),
        offer: takedown.key.offer.into(),
        plan,
        version,
        reason: takedown.reason,
        taken_by: takedown.taken_by,
        taken_at: takedown.taken_at,
        purge_at: takedown.purge_at,
        purged_at: None,
        lifted_by: None,
        lifted_at: None,
        lift_reason: None,
    };
    write::insert(tx, model.into_active_model(), "the takedown id").await
}

/// The takedown with this id.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Takedown>, Error> {
    let found = Entity::find_by_id(id).one(&source.connection()).await?;
    found.map(read).transpose()
}

/// Every takedown in force, oldest first.
pub async fn in_force(source: &impl Source) -> Result<Vec<Takedown>, Error> {
    let query = Entity::find()
        .filter(Column::LiftedAt.is_null())
        .order_by_asc(Column::TakenAt)
        .order_by_asc(Column::Id);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

/// Takedowns of one module that are in force, oldest first.
pub async fn of_offer(source: &impl Source, key: &OfferKey) -> Result<Vec<Takedown>, Error> {
    let query = Entity::find()
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
        .filter(Column::LiftedAt.is_null())
        .order_by_asc(Column::TakenAt)
        .order_by_asc(Column::Id);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

/// The last `limit` takedowns, lifted ones too, newest first.
pub async fn recent(source: &impl Source, limit: u64) -> Result<Vec<Takedown>, Error> {
    let query = Entity::find()
        .order_by_desc(Column::TakenAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

/// Ends a takedown and forgets what it withheld. `false`: it was lifted already, or purged, or there is none.
pub async fn lift(tx: &Tx, id: &str, lifted: &Lifted) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::LiftedBy, Expr::value(lifted.by.as_str()))
        .col_expr(Column::LiftedAt, Expr::value(lifted.at))
        .col_expr(Column::LiftReason, Expr::value(lifted.reason.as_str()))
        .filter(Column::Id.eq(id))
        .filter(Column::LiftedAt.is_null())
        .filter(Column::PurgedAt.is_null());
    if query.exec(&tx.inner).await?.rows_affected == 0 {
        return Ok(false);
    }
    withheld_digest::Entity::delete_many()
        .filter(withheld_digest::Column::Takedown.eq(id))
        .exec(&tx.inner)
        .await?;
    Ok(true)
}

/// Notes that the bytes went. `false`: it was lifted or purged meanwhile.
pub async fn set_purged(tx: &Tx, id: &str, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::PurgedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::LiftedAt.is_null())
        .filter(Column::PurgedAt.is_null());
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Withholds digests for a takedown.
pub async fn withhold(tx: &Tx, takedown: &str, all: &[Withheld]) -> Result<(), Error> {
    for one in all {
        let row = withheld_digest::Model {
            takedown: takedown.to_owned(),
            repository: one.repository.clone(),
            digest: one.digest.to_string(),
            blob: one.blob,
            everywhere: one.everywhere,
        };
        write::insert_if_new(tx, row.into_active_model()).await?;
    }
    Ok(())
}

/// What a takedown withholds, in order of repository and digest.
pub async fn withheld(source: &impl Source, takedown: &str) -> Result<Vec<Withheld>, Error> {
    use withheld_digest::Column as C;
    let rows = withheld_digest::Entity::find()
        .filter(C::Takedown.eq(takedown))
        .order_by_asc(C::Repository)
        .order_by_asc(C::Digest)
        .all(&source.connection())
        .await?;
    let row = Row {
        table: "withheld_digests",
        key: takedown,
    };
    rows.into_iter()
        .map(|model| {
            Ok(Withheld {
                digest: row.read("digest", &model.digest)?,
                repository: model.repository,
                blob: model.blob,
                everywhere: model.everywhere,
            })
        })
        .collect()
}

/// How a digest is withheld in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why, for everyone to read.
    pub reason: String,
    /// A configuration or a layer, rather than a manifest.
    pub blob: bool,
}

/// Why a digest is withheld in a repository, if it is.
pub async fn reason_in(
    source: &impl Source,
    repository: &str,
    digest: &Digest,
) -> Result<Option<String>, Error> {
    let held = hold_in(source, repository, digest).await?;
    Ok(held.map(|hold| hold.reason))
}

/// How a digest is withheld in a repository, if it is.
pub async fn hold_in(
    source: &impl Source,
    repository: &str,
    digest: &Digest,
) -> Result<Option<Hold>, Error> {
    use withheld_digest::Column as C;
    let found = withheld_digest::Entity::find()
        .filter(C::Repository.eq(repository))
        .filter(C::Digest.eq(digest.as_str()))
        .order_by_desc(C::Takedown)
        .one(&source.connection())
        .await?;
    match found {
        Some(row) => Ok(find(source, &row.takedown).await?.map(|takedown| Hold {
            reason: takedown.reason,
            blob: row.blob,
        })),
        None => Ok(None),
    }
}

/// Where a manifest is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// In which repository.
    pub repository: String,
    /// Why, for everyone to read.
    pub reason: String,
}

/// Everywhere that a manifest is withheld, the last takedown last.
pub async fn holding(source: &impl Source, digest: &Digest) -> Result<Vec<Holding>, Error> {
    use withheld_digest::Column as C;
    let rows = withheld_digest::Entity::find()
        .filter(C::Digest.eq(digest.as_str()))
        .filter(C::Blob.eq(false))
        .order_by_asc(C::Takedown)
        .order_by_asc(C::Repository)
        .all(&source.connection())
        .await?;
    let mut found = Vec::new();
    for row in rows {
        if let Some(takedown) = find(source, &row.takedown).await? {
            found.push(Holding {
                repository: row.repository,
                reason: takedown.reason,
            });
        }
    }
    Ok(found)
}

/// Notes with every takedown that withholds a manifest whether it is on the list of blocked digests.
pub async fn set_everywhere(tx: &Tx, digest: &Digest, everywhere: bool) -> Result<(), Error> {
    use withheld_digest::Column as C;
    withheld_digest::Entity::update_many()
        .col_expr(C::Everywhere, Expr::value(everywhere))
        .filter(C::Digest.eq(digest.as_str()))
        .filter(C::Blob.eq(false))
        .exec(&tx.inner)
        .await?;
    Ok(())
}

/// Lets blobs, or manifests, be read in a repository again, because an image that stands there is made of them too.
pub async fn release(
    tx: &Tx,
    repository: &str,
    blobs: bool,
    digests: &[Digest],
) -> Result<(), Error> {
    use withheld_digest::Column as C;
    for some in digests.chunks(BINDS_MAX - 2) {
        withheld_digest::Entity::delete_many()
            .filter(C::Repository.eq(repository))
            .filter(C::Blob.eq(blobs))
            .filter(C::Digest.is_in(some.iter().map(Digest::as_str)))
            .exec(&tx.inner)
            .await?;
    }
    Ok(())
}
