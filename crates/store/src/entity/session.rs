//! Table `sessions`.

use sea_orm::entity::prelude::*;

/// A browser session.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// SHA-256 of the cookie's token, in hex; the token itself is never kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    /// Whose.
    pub account_id: String,
    /// What every form of this session must carry.
    pub csrf: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// From then on it is worth nothing.
    pub expires_at: i64,
    /// Last use, as far as it was noted.
    pub last_seen_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
