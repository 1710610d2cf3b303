//! Table `runs`.

use sea_orm::entity::prelude::*;

/// One row of `runs`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub submission: String,
    pub plan: String,
    pub platform: String,
    pub digest: String,
    pub nightly: bool,
    pub began_at: i64,
    pub environment: String,
    pub engine: String,
    pub passed: i64,
    pub applicable: i64,
    pub broken: String,
    pub emulated: bool,
    pub memory_peak_bytes: Option<i64>,
    pub memory_steady_bytes: Option<i64>,
    pub cpu_permille: Option<i64>,
    pub why_not: Option<String>,
    pub observed: Option<String>,
    pub left_out: String,
    pub log: Option<String>,
    pub log_bytes: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
