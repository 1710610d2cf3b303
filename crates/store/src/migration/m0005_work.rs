//! Events, which only grow, and jobs.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::{ConditionalStatement, Expr, ExprTrait, Index};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index, number, number_null, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let events = table(
            "events",
            &["id"],
            [
                c.text("id"),
                number("at"),
                c.text("actor"),
                c.text("subject_kind"),
                c.text("subject"),
                c.text("kind"),
                c.text("data"),
            ],
        );
        manager.create_table(events).await?;
        index(manager, "events", &["subject_kind", "subject", "id"]).await?;
        let jobs = table(
            "jobs",
            &["id"],
            [
                c.text("id"),
                c.text("kind"),
                c.text("payload"),
                c.text_null("unique_key"),
                number("run_at"),
                number("attempts"),
                number_null("lease_until"),
                c.text_null("leased_by"),
                c.text("state"),
                c.text_null("last_error"),
                number("created_at"),
                number_null("finished_at"),
            ],
        );
        manager.create_table(jobs).await?;
        index(manager, "jobs", &["state", "run_at"]).await?;
        index(manager, "jobs", &["state", "lease_until"]).await?;
        // The same work waits or runs at most once.
        let mut waiting_once = Index::create();
        waiting_once
            .name("jobs_waiting_once")
            .table("jobs")
            .unique()
            .col("unique_key")
            .and_where(Expr::col("state").is_in(["queued", "running"]));
        manager.create_index(waiting_once).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
