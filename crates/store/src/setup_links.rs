//! The link that lets whoever holds it make the first operator, once.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::setup_link::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::setup_link::Model as SetupLink;

/// Adds a link.
pub async fn insert(tx: &Tx, link: &SetupLink) -> Result<(), Error> {
    write::insert(tx, link.clone().into_active_model(), "a setup link").await
}

/// Uses a link up, and with it every other one that waits. Of several who try at once, with the same link or with
/// different ones, one gets `true`; on PostgreSQL the others wait until that one's transaction ends.
pub async fn take(tx: &Tx, token_hash: &str, now: i64) -> Result<bool, Error> {
    // All rows are locked, in one order, so that holders of different links meet at the first of them.
    let waiting = Entity::find()
        .filter(Column::UsedAt.is_null())
        .order_by_asc(Column::TokenHash)
        .lock_exclusive()
        .all(&tx.inner)
        .await?;
    if waiting.iter().all(|link| link.token_hash != token_hash) {
        return Ok(false);
    }
    // Only the rows locked above: one added meanwhile may be locked by somebody who waits for us.
    for hashes in waiting.chunks(write::BINDS_MAX - 1) {
        let hashes = hashes.iter().map(|link| link.token_hash.as_str());
        let query = Entity::update_many()
            .col_expr(Column::UsedAt, Expr::value(now))
            .filter(Column::TokenHash.is_in(hashes));
        query.exec(&tx.inner).await?;
    }
    Ok(true)
}

/// Whether a link waits to be used.
pub async fn any_unused(source: &impl Source) -> Result<bool, Error> {
    let unused = Entity::find().filter(Column::UsedAt.is_null());
    Ok(unused.count(&source.connection()).await? > 0)
}
