//! Table `pull_tokens`.

use sea_orm::entity::prelude::*;

/// A token that pulls one preview.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pull_tokens")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// SHA-256 of the token, in hex, unique.
    pub token_hash: String,
    /// The one repository it opens.
    pub repo: String,
    /// The preview it was made for.
    pub submission: String,
    /// From then on it is worth nothing.
    pub expires_at: i64,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// Who made it; none for those from before this was noted.
    pub account_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
