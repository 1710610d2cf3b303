//! What each publisher holds at most, so that a push need not count all of it; and uploads found by their repository.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index, number, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let usage = table(
            "publisher_usage",
            &["publisher"],
            [
                c.text("publisher"),
                number("bytes"),
                number("repositories"),
                number("tags"),
                number("counted_at"),
            ],
        );
        manager.create_table(usage).await?;
        index(manager, "uploads", &["repo"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
