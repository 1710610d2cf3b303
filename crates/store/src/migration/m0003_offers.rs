//! Offers and the secrets for the registries their images come from.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, bytes, index, number, refers, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let mut offers = table(
            "offers",
            &["publisher", "offer"],
            [
                c.text("publisher"),
                c.text("offer"),
                c.text("draft"),
                number("revision"),
                c.text("state"),
                c.text_null("live_submission"),
                c.text_null("stop"),
                number("created_at"),
                number("updated_at"),
            ],
        );
        refers(&mut offers, &["publisher"], "publishers", &["id"]);
        manager.create_table(offers).await?;
        index(manager, "offers", &["state"]).await?;
        let mut credentials = table(
            "credentials",
            &["publisher", "offer", "plan"],
            [
                c.text("publisher"),
                c.text("offer"),
                c.text("plan"),
                c.text("registry"),
                c.text("key_id"),
                bytes("nonce"),
                bytes("ciphertext"),
                c.text_null("realm_host"),
                number("updated_at"),
            ],
        );
        refers(
            &mut credentials,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        manager.create_table(credentials).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
