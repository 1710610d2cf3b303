//! Table `accounts`.

use sea_orm::entity::prelude::*;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Sign-in address, lower case, unique.
    pub email: String,
    /// Shown to others.
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    /// May decide on submissions that need a person.
    pub reviewer: bool,
    /// May do everything.
    pub operator: bool,
    /// Since when signing in is refused.
    pub disabled_at: Option<i64>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
