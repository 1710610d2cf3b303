//! Table `publishers`.

use sea_orm::entity::prelude::*;

/// One row of `publishers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "publishers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub title: String,
    pub summary: String,
    pub website: String,
    pub support_email: String,
    pub contact_email: String,
    pub state: String,
    pub reason: Option<String>,
    pub terms_version: Option<String>,
    pub terms_accepted_at: Option<i64>,
    pub terms_accepted_by: Option<String>,
    pub skeleton: String,
    pub verified: bool,
    pub created_by: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
