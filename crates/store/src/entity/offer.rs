//! Table `offers`.

use sea_orm::entity::prelude::*;

/// One row of `offers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub publisher: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub offer: String,
    pub draft: String,
    pub revision: i64,
    pub state: String,
    pub live_submission: Option<String>,
    pub stop: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
