//! How often manifests were pulled, added up in batches: each server counts in memory and brings its sums now and then.
//! Rows are added to, never overwritten, so any number of servers may do it at once.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};

use crate::entity::{pull_day, pull_total};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write::BINDS_MAX;

/// Rows of one statement; each binds four values.
const ROWS_MAX: usize = BINDS_MAX / 4;

/// A repository and a manifest in it, both as text.
pub type Pulled = (String, String);

/// Adds what one server counted on a day (days since 1970, UTC). A map, because servers that write the same rows in the
/// same order wait for each other and never in a circle.
pub async fn add(tx: &Tx, counted: &BTreeMap<Pulled, i64>, day: i64) -> Result<(), Error> {
    let counted: Vec<(Pulled, i64)> = counted.clone().into_iter().collect();
    for some in counted.chunks(ROWS_MAX) {
        use pull_day::{Column, Entity, Model};
        let rows = some.iter().cloned().map(|((repository, digest), pulls)| {
            let row = Model {
                repository,
                digest,
                day,
                pulls,
            };
            row.into_active_model()
        });
        let key = [Column::Repository, Column::Digest, Column::Day];
        sum_up::<Entity, _>(tx, rows, key, Column::Pulls).await?;
    }
    for some in counted.chunks(ROWS_MAX) {
        use pull_total::{Column, Entity, Model};
        let rows = some.iter().cloned().map(|((repository, digest), pulls)| {
            let row = Model {
                repository,
                digest,
                pulls,
            };
            row.into_active_model()
        });
        let key = [Column::Repository, Column::Digest];
        sum_up::<Entity, _>(tx, rows, key, Column::Pulls).await?;
    }
    Ok(())
}

/// Puts rows in, or adds their pulls to those that are there.
async fn sum_up<E: EntityTrait, A: ActiveModelTrait<Entity = E>>(
    tx: &Tx,
    rows: impl Iterator<Item = A> + Send,
    key: impl IntoIterator<Item = E::Column>,
    pulls: E::Column,
) -> Result<(), Error> {
    let sum = Expr::col((E::default(), pulls)).add(Expr::cust("excluded.pulls"));
    let there = OnConflict::columns(key).value(pulls, sum).to_owned();
    E::insert_many(rows)
        .on_conflict(there)
        .exec_without_returning(&tx.inner)
        .await?;
    Ok(())
}

/// Pulls of everything in these repositories, ever.
pub async fn totals(
    source: &impl Source,
    repositories: &[&str],
) -> Result<BTreeMap<Pulled, i64>, Error> {
    use pull_total::{Column, Entity};
    let mut found = BTreeMap::new();
    for some in repositories.chunks(BINDS_MAX) {
        let rows = Entity::find()
            .filter(Column::Repository.is_in(some.iter().copied()))
            .all(&source.connection())
            .await?;
        found.extend(
            rows.into_iter()
                .map(|row| ((row.repository, row.digest), row.pulls)),
        );
    }
    Ok(found)
}

/// Pulls of these repositories, ever; those without any are left out.
pub async fn by_repository(
    source: &impl Source,
    repositories: &[&str],
) -> Result<BTreeMap<String, i64>, Error> {
    use pull_total::{Column, Entity};
    let mut found = BTreeMap::new();
    for some in repositories.chunks(BINDS_MAX) {
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::Repository)
            // A sum of 64-bit numbers is wider on PostgreSQL.
            .column_as(Column::Pulls.sum().cast_as("bigint"), "pulls")
            .filter(Column::Repository.is_in(some.iter().copied()))
            .group_by(Column::Repository)
            .into_tuple()
            .all(&source.connection())
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Forgets what was pulled before a day (days since 1970, UTC); the totals stay. Answers how many rows went.
pub async fn forget_days_before(tx: &Tx, day: i64) -> Result<u64, Error> {
    use pull_day::{Column, Entity};
    let gone = Entity::delete_many()
        .filter(Column::Day.lt(day))
        .exec(&tx.inner)
        .await?;
    Ok(gone.rows_affected)
}

/// The same as [`totals`] from a day on (days since 1970, UTC).
pub async fn since(
    source: &impl Source,
    repositories: &[&str],
    day: i64,
) -> Result<BTreeMap<Pulled, i64>, Error> {
    use pull_day::{Column, Entity};
    let mut found = BTreeMap::new();
    for some in repositories.chunks(BINDS_MAX - 1) {
        let rows: Vec<(String, String, i64)> = Entity::find()
            .select_only()
            .column(Column::Repository)
            .column(Column::Digest)
            // A sum of 64-bit numbers is wider on PostgreSQL.
            .column_as(Column::Pulls.sum().cast_as("bigint"), "pulls")
            .filter(Column::Repository.is_in(some.iter().copied()))
            .filter(Column::Day.gte(day))
            .group_by(Column::Repository)
            .group_by(Column::Digest)
            .into_tuple()
            .all(&source.connection())
            .await?;
        found.extend(
            rows.into_iter()
                .map(|(repository, digest, pulls)| ((repository, digest), pulls)),
        );
    }
    Ok(found)
}
