//! Table `takedowns`.

use sea_orm::entity::prelude::*;

/// One row of `takedowns`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "takedowns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub plan: Option<String>,
    pub version: Option<String>,
    pub reason: String,
    pub taken_by: String,
    pub taken_at: i64,
    pub purge_at: i64,
    pub purged_at: Option<i64>,
    pub lifted_by: Option<String>,
    pub lifted_at: Option<i64>,
    pub lift_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
