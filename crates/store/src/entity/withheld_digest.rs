//! Table `withheld_digests`.

use sea_orm::entity::prelude::*;

/// One row of `withheld_digests`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "withheld_digests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub takedown: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    pub blob: bool,
    pub everywhere: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
