//! Table `releases`.

use sea_orm::entity::prelude::*;

/// One row of `releases`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "releases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub publisher: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub offer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    pub digest: String,
    pub tags: String,
    pub platforms: String,
    pub defaults: String,
    pub notes: String,
    pub submission: String,
    pub released_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
