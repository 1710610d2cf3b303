//! Table `publisher_usage`.

use sea_orm::entity::prelude::*;

/// One row of `publisher_usage`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "publisher_usage")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub publisher: String,
    pub bytes: i64,
    pub repositories: i64,
    pub tags: i64,
    pub counted_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
