//! Releases, which are never changed.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index, number, refers, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let mut releases = table(
            "releases",
            &["publisher", "offer", "plan", "version"],
            [
                c.text("publisher"),
                c.text("offer"),
                c.text("plan"),
                c.text("version"),
                c.text("digest"),
                c.text("tags"),
                c.text("platforms"),
                c.text("defaults"),
                c.text("notes"),
                c.text("submission"),
                number("released_at"),
            ],
        );
        refers(
            &mut releases,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        manager.create_table(releases).await?;
        index(manager, "releases", &["digest"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
