//! Content that nothing links, on its way out: when that was noticed, and when its removal began.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index, number, number_null, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let condemned = table(
            "condemned",
            &["kind", "digest"],
            [
                c.text("kind"),
                c.text("digest"),
                number("since"),
                number_null("removing_since"),
            ],
        );
        manager.create_table(condemned).await?;
        index(manager, "condemned", &["kind", "since"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
