//! Table `uploads`.

use sea_orm::entity::prelude::*;

/// An upload that is under way.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    /// What stands in its address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Where the blob will go.
    pub repo: String,
    /// Who is sending.
    pub account_id: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When its last chunk came.
    pub updated_at: i64,
    /// Bytes received so far.
    pub size: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
