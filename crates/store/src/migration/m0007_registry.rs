//! Repositories, manifests, which repository holds what, tags and blocked digests.

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::columns::{Columns, bytes, flag, index, number, refers, table};

#[derive(sea_orm::DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager);
        let repositories = table(
            "repositories",
            &["name"],
            [c.text("name"), flag("public"), number("created_at")],
        );
        manager.create_table(repositories).await?;
        let manifests = table(
            "manifests",
            &["digest"],
            [
                c.text("digest"),
                c.text("media_type"),
                bytes("bytes"),
                c.text_null("subject"),
                c.text_null("artifact_type"),
            ],
        );
        manager.create_table(manifests).await?;
        index(manager, "manifests", &["subject"]).await?;
        memberships(manager, c).await?;
        let blocked_digests = table(
            "blocked_digests",
            &["digest"],
            [c.text("digest"), c.text("reason"), number("at")],
        );
        manager.create_table(blocked_digests).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// What a repository holds, and under which tags.
async fn memberships(manager: &SchemaManager<'_>, c: Columns) -> Result<(), DbErr> {
    let mut repository_manifests = table(
        "repository_manifests",
        &["repository", "digest"],
        [
            c.text("repository"),
            c.text("digest"),
            flag("public"),
            number("linked_at"),
        ],
    );
    refers(
        &mut repository_manifests,
        &["repository"],
        "repositories",
        &["name"],
    );
    refers(
        &mut repository_manifests,
        &["digest"],
        "manifests",
        &["digest"],
    );
    manager.create_table(repository_manifests).await?;
    index(manager, "repository_manifests", &["digest"]).await?;
    let mut repository_blobs = table(
        "repository_blobs",
        &["repository", "digest"],
        [
            c.text("repository"),
            c.text("digest"),
            number("size"),
            flag("public"),
            number("linked_at"),
        ],
    );
    refers(
        &mut repository_blobs,
        &["repository"],
        "repositories",
        &["name"],
    );
    manager.create_table(repository_blobs).await?;
    index(manager, "repository_blobs", &["digest"]).await?;
    let mut repository_tags = table(
        "repository_tags",
        &["repository", "tag"],
        [
            c.text("repository"),
            c.text("tag"),
            c.text("digest"),
            number("updated_at"),
        ],
    );
    refers(
        &mut repository_tags,
        &["repository", "digest"],
        "repository_manifests",
        &["repository", "digest"],
    );
    manager.create_table(repository_tags).await?;
    index(manager, "repository_tags", &["repository", "digest"]).await?;
    Ok(())
}
