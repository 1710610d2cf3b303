//! Uploads with their chunks, and tokens for pulling a preview.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, belongs_to, index, number, number_null, refers, table, unique};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let uploads = table(
            "uploads",
            &["id"],
            [
                c.text("id"),
                c.text("repo"),
                c.text("account_id"),
                number("created_at"),
                number("updated_at"),
                number("size"),
            ],
        );
        manager.create_table(uploads).await?;
        index(manager, "uploads", &["updated_at"]).await?;
        let mut upload_chunks = table(
            "upload_chunks",
            &["upload", "offset_bytes"],
            [
                c.text("upload"),
                number("offset_bytes"),
                number("length"),
                c.text("object_key"),
            ],
        );
        belongs_to(&mut upload_chunks, &["upload"], "uploads", &["id"]);
        manager.create_table(upload_chunks).await?;
        let mut pull_tokens = table(
            "pull_tokens",
            &["id"],
            [
                c.text("id"),
                c.text("token_hash"),
                c.text("repo"),
                c.text("submission"),
                number("expires_at"),
                number_null("revoked_at"),
            ],
        );
        refers(&mut pull_tokens, &["submission"], "submissions", &["id"]);
        manager.create_table(pull_tokens).await?;
        index(manager, "pull_tokens", &["submission"]).await?;
        unique(manager, "pull_tokens", &["token_hash"]).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
