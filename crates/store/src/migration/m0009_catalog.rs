//! Leads, settings, the version of the catalog, and pictures.

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
        let mut leads = table(
            "leads",
            &["id"],
            [
                c.text("id"),
                c.text("publisher"),
                c.text("offer"),
                c.text("plan"),
                c.text_null("account_id"),
                c.text("name"),
                c.text("email"),
                c.text("company"),
                c.text("title"),
                c.text("phone"),
                c.text("country"),
                c.text("consent_text"),
                number("consent_at"),
                c.text("source"),
                c.text("action"),
                number("created_at"),
            ],
        );
        refers(
            &mut leads,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        manager.create_table(leads).await?;
        index(manager, "leads", &["publisher", "offer", "created_at"]).await?;
        let settings = table("settings", &["name"], [c.text("name"), c.text("value")]);
        manager.create_table(settings).await?;
        let catalog_version = table(
            "catalog_version",
            &["name"],
            [c.text("name"), number("version")],
        );
        manager.create_table(catalog_version).await?;
        let mut media = table(
            "media",
            &["digest", "publisher"],
            [
                c.text("digest"),
                c.text("publisher"),
                c.text("media_type"),
                number("size"),
                number("created_at"),
            ],
        );
        refers(&mut media, &["publisher"], "publishers", &["id"]);
        manager.create_table(media).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
