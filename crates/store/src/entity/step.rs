//! Table `steps`.

use sea_orm::entity::prelude::*;

/// One step of a submission.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "steps")]
pub struct Model {
    /// Which submission.
    #[sea_orm(primary_key, auto_increment = false)]
    pub submission: String,
    /// Which step of its pipeline.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: String,
    /// When it began, the last time.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// One sentence for people.
    pub detail: String,
    /// At most [`LOG_BYTES_MAX`](crate::steps::LOG_BYTES_MAX) bytes of the step's own words.
    pub log: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
