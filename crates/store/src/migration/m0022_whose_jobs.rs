//! Whose work a job is, so that one publisher does not keep all the others waiting. Jobs queued before are nobody's.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::Columns;

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let whose = Columns::of(manager).text_null("publisher");
        let jobs = Table::alter().table("jobs").add_column(whose).take();
        manager.alter_table(jobs).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
