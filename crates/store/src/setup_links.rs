//! The link that lets whoever holds it make the first operator, once.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use crate::entity::setup_link::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::setup_link::Model as SetupLink;

/// Adds a link.
pub async fn insert(tx: &Tx, link: &SetupLink) -> Result<(), Error> {
    write::insert(tx, link.clone().into_active_model(), "a setup link").await
}

/// Uses a link up. Of several who try at once, one gets `true`.
pub async fn take(tx: &Tx, token_hash: &str, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::TokenHash.eq(token_hash))
        .filter(Column::UsedAt.is_null());
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Whether a link waits to be used.
pub async fn any_unused(source: &impl Source) -> Result<bool, Error> {
    let unused = Entity::find().filter(Column::UsedAt.is_null());
    Ok(unused.count(&source.connection()).await? > 0)
}
