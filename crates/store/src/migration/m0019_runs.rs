//! Runs of modules: what was measured when a submission was certified, and in the nights after.

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
        let mut runs = table(
            "runs",
            &["id"],
            [
                c.text("id"),
                c.text("submission"),
                c.text("plan"),
                c.text("platform"),
                c.text("digest"),
                flag("nightly"),
                number("began_at"),
                c.text("environment"),
                c.text("engine"),
                number("passed"),
                number("applicable"),
                c.text("broken"),
                flag("emulated"),
                number_null("memory_peak_bytes"),
                number_null("memory_steady_bytes"),
                number_null("cpu_permille"),
                c.text_null("why_not"),
                c.text_null("observed"),
                c.text("left_out"),
                c.text_null("log"),
                number("log_bytes"),
            ],
        );
        refers(&mut runs, &["submission"], "submissions", &["id"]);
        manager.create_table(runs).await?;
        index(manager, "runs", &["submission", "plan", "platform"]).await?;
        index(manager, "runs", &["log"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
