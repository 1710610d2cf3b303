//! Publishers and their members.

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
        let publishers = table(
            "publishers",
            &["id"],
            [
                c.text("id"),
                c.text("title"),
                c.text("summary"),
                c.text("website"),
                c.text("support_email"),
                c.text("contact_email"),
                c.text("state"),
                c.text_null("reason"),
                c.text_null("terms_version"),
                number_null("terms_accepted_at"),
                c.text_null("terms_accepted_by"),
                c.text("skeleton"),
                flag("verified"),
                c.text("created_by"),
                number("created_at"),
            ],
        );
        manager.create_table(publishers).await?;
        index(manager, "publishers", &["skeleton"]).await?;
        index(manager, "publishers", &["state"]).await?;
        let mut members = table(
            "members",
            &["publisher", "account_id"],
            [
                c.text("publisher"),
                c.text("account_id"),
                c.text("role"),
                number("created_at"),
            ],
        );
        refers(&mut members, &["publisher"], "publishers", &["id"]);
        refers(&mut members, &["account_id"], "accounts", &["id"]);
        manager.create_table(members).await?;
        index(manager, "members", &["account_id"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
