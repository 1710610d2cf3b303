//! Submissions and the steps of their pipeline.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::{ConditionalStatement, Expr, ExprTrait, Index};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, index, number, number_null, refers, table, unique};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let mut submissions = table(
            "submissions",
            &["id"],
            [
                c.text("id"),
                c.text("publisher"),
                c.text("offer"),
                number("number"),
                c.text("state"),
                c.text("frozen"),
                c.text("notes"),
                c.text("created_by"),
                number("created_at"),
                number("updated_at"),
                c.text_null("report"),
                c.text("imported"),
                c.text("waivers"),
                c.text_null("decision"),
                c.text_null("failure"),
                number_null("preview_expires_at"),
            ],
        );
        refers(
            &mut submissions,
            &["publisher", "offer"],
            "offers",
            &["publisher", "offer"],
        );
        manager.create_table(submissions).await?;
        index(manager, "submissions", &["state", "created_at"]).await?;
        unique(manager, "submissions", &["publisher", "offer", "number"]).await?;
        let mut steps = table(
            "steps",
            &["submission", "step"],
            [
                c.text("submission"),
                c.text("step"),
                number("started_at"),
                number_null("ended_at"),
                c.text_null("outcome"),
                c.text("detail"),
                c.text("log"),
            ],
        );
        refers(&mut steps, &["submission"], "submissions", &["id"]);
        manager.create_table(steps).await?;
        // At most one submission of an offer is on its way; a preview waits and does not count.
        let running = Expr::col("state").is_in([
            "submitted",
            "importing",
            "certifying",
            "in_review",
            "publishing",
        ]);
        let mut one_running = Index::create();
        one_running
            .name("submissions_one_running")
            .table("submissions")
            .unique()
            .col("publisher")
            .col("offer")
            .and_where(running);
        manager.create_index(one_running).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
