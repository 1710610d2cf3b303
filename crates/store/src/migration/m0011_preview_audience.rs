//! Who besides its publisher's members may look at an offer's previews.

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
        let mut audience = table(
            "preview_audience",
            &["publisher", "offer", "account_id"],
            [
                c.text("publisher"),
                c.text("offer"),
                c.text("account_id"),
                number("added_at"),
            ],
        );
        refers(
            &mut audience,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        refers(&mut audience, &["account_id"], "accounts", &["id"]);
        manager.create_table(audience).await?;
        index(manager, "preview_audience", &["account_id"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
