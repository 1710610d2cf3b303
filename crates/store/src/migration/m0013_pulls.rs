//! How often released manifests were pulled: by day, and altogether, so that a total never adds up years of days.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, number, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let days = table(
            "pull_days",
            &["repository", "digest", "day"],
            [
                c.text("repository"),
                c.text("digest"),
                number("day"),
                number("pulls"),
            ],
        );
        manager.create_table(days).await?;
        let totals = table(
            "pull_totals",
            &["repository", "digest"],
            [c.text("repository"), c.text("digest"), number("pulls")],
        );
        manager.create_table(totals).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
