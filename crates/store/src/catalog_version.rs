//! A number that grows with every change of what customers can see, so that each replica knows when to read again.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::entity::catalog_version::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// The one row.
const CATALOG: &str = "catalog";

/// The version now; 0 before the first change.
pub async fn current(source: &impl Source) -> Result<i64, Error> {
    let found = Entity::find_by_id(CATALOG)
        .one(&source.connection())
        .await?;
    Ok(found.map_or(0, |model| model.version))
}

/// Adds one; tells the new version. Others who bump wait until this transaction ends.
pub async fn bump(tx: &Tx) -> Result<i64, Error> {
    let first = Model {
        name: CATALOG.to_owned(),
        version: 0,
    };
    write::insert_if_new(tx, first.into_active_model()).await?;
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Name.eq(CATALOG))
        .exec(&tx.inner)
        .await?;
    current(tx).await
}
