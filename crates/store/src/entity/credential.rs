//! Table `credentials`.

use sea_orm::entity::prelude::*;

/// One row of `credentials`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub publisher: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub offer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan: String,
    pub registry: String,
    pub key_id: String,
    pub nonce: Vec<u8>,
    pub ciphertext: Vec<u8>,
    pub realm_host: Option<String>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
