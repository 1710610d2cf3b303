//! Table `submissions`.

use sea_orm::entity::prelude::*;

/// One row of `submissions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submissions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub number: i64,
    pub state: String,
    pub frozen: String,
    pub notes: String,
    pub created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub report: Option<String>,
    pub imported: String,
    pub waivers: String,
    pub decision: Option<String>,
    pub failure: Option<String>,
    pub preview_expires_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
