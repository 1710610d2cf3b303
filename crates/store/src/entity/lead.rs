//! Table `leads`.

use sea_orm::entity::prelude::*;

/// One row of `leads`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    pub account_id: Option<String>,
    pub name: String,
    pub email: String,
    pub company: String,
    pub title: String,
    pub phone: String,
    pub country: String,
    pub consent_text: String,
    pub consent_at: i64,
    pub source: String,
    pub action: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
