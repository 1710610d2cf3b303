//! Images that released indexes list and that were not brought, by choice.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let left_out = table(
            "left_out_manifests",
            &["repository", "digest"],
            [c.text("repository"), c.text("digest"), c.text("platform")],
        );
        manager.create_table(left_out).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
