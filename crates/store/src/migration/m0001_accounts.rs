//! Accounts and what they sign in with.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, flag, index, number, number_null, refers, table, unique};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let accounts = table(
            "accounts",
            &["id"],
            [
                c.text("id"),
                c.text("email"),
                c.text("name"),
                c.text("password_hash"),
                flag("reviewer"),
                flag("operator"),
                number_null("disabled_at"),
                number("created_at"),
            ],
        );
        manager.create_table(accounts).await?;
        unique(manager, "accounts", &["email"]).await?;
        let mut sessions = table(
            "sessions",
            &["token_hash"],
            [
                c.text("token_hash"),
                c.text("account_id"),
                c.text("csrf"),
                number("created_at"),
                number("expires_at"),
                number("last_seen_at"),
            ],
        );
        refers(&mut sessions, &["account_id"], "accounts", &["id"]);
        manager.create_table(sessions).await?;
        index(manager, "sessions", &["account_id"]).await?;
        index(manager, "sessions", &["expires_at"]).await?;
        let mut tokens = table(
            "tokens",
            &["id"],
            [
                c.text("id"),
                c.text("account_id"),
                c.text("name"),
                c.text("token_hash"),
                c.text("scopes"),
                number("created_at"),
                number_null("expires_at"),
                number_null("last_used_at"),
                number_null("revoked_at"),
            ],
        );
        refers(&mut tokens, &["account_id"], "accounts", &["id"]);
        manager.create_table(tokens).await?;
        index(manager, "tokens", &["account_id"]).await?;
        unique(manager, "tokens", &["token_hash"]).await?;
        let setup_links = table(
            "setup_links",
            &["token_hash"],
            [
                c.text("token_hash"),
                number("created_at"),
                number_null("used_at"),
            ],
        );
        manager.create_table(setup_links).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
