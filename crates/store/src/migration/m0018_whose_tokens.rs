//! Which access tokens are logins of registry clients, and who made a pull token: so that the first end with the password
//! and the second with the invitation.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

/// Until now such tokens were known by their name and their life of exactly 90 days.
const LOGINS: &str = "update tokens set kind = 'login' \
    where name like 'registry login%' and expires_at - created_at = 7776000000000";

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let kind = c.text("kind").default("personal").take();
        let tokens = Table::alter().table("tokens").add_column(kind).take();
        manager.alter_table(tokens).await?;
        manager.get_connection().execute_unprepared(LOGINS).await?;
        let whose = c.text_null("account_id");
        let pulls = Table::alter().table("pull_tokens").add_column(whose).take();
        manager.alter_table(pulls).await?;
        index(manager, "pull_tokens", &["account_id"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
