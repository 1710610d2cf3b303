//! Takedowns, and which digests each of them withholds in which repository.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, flag, index, number, number_null, refers, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let mut takedowns = table(
            "takedowns",
            &["id"],
            [
                c.text("id"),
                c.text("publisher"),
                c.text("offer"),
                c.text_null("plan"),
                c.text_null("version"),
                c.text("reason"),
                c.text("taken_by"),
                number("taken_at"),
                number("purge_at"),
                number_null("purged_at"),
                c.text_null("lifted_by"),
                number_null("lifted_at"),
                c.text_null("lift_reason"),
            ],
        );
        refers(
            &mut takedowns,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        manager.create_table(takedowns).await?;
        index(manager, "takedowns", &["publisher", "offer"]).await?;
        let mut withheld = table(
            "withheld_digests",
            &["takedown", "repository", "digest"],
            [
                c.text("takedown"),
                c.text("repository"),
                c.text("digest"),
                flag("blob"),
                flag("everywhere"),
            ],
        );
        refers(&mut withheld, &["takedown"], "takedowns", &["id"]);
        manager.create_table(withheld).await?;
        index(manager, "withheld_digests", &["repository", "digest"]).await?;
        index(manager, "withheld_digests", &["digest"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
