//! Tags: names in a repository for one of its manifests. Which may move is not decided here.

use oci::Digest;
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use crate::column::Row;
use crate::entity::repository_tag::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// Points a tag at a manifest that the repository holds, wherever it pointed before.
pub async fn set_tag(
    tx: &Tx,
    repo: &str,
    tag: &str,
    digest: &Digest,
    now: i64,
) -> Result<(), Error> {
    let model = Model {
        repository: repo.to_owned(),
        tag: tag.to_owned(),
        digest: digest.to_string(),
        updated_at: now,
    };
    let key = [Column::Repository, Column::Tag];
    write::upsert(
        tx,
        model.into_active_model(),
        key,
        [Column::Digest, Column::UpdatedAt],
    )
    .await
}

/// What a tag points at.
pub async fn tag(source: &impl Source, repo: &str, tag: &str) -> Result<Option<Digest>, Error> {
    let key = (repo.to_owned(), tag.to_owned());
    let found = Entity::find_by_id(key).one(&source.connection()).await?;
    let row = Row {
        table: "repository_tags",
        key: &format!("{repo}:{tag}"),
    };
    found
        .map(|model| row.read("digest", &model.digest))
        .transpose()
}

/// Removes a tag; what it pointed at stays. `false`: there was none.
pub async fn delete_tag(tx: &Tx, repo: &str, tag: &str) -> Result<bool, Error> {
    let key = (repo.to_owned(), tag.to_owned());
    Ok(Entity::delete_by_id(key)
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// At most `limit` tags of a repository, compared bytewise, beginning after the tag `after`.
pub async fn tags(
    source: &impl Source,
    repo: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>, Error> {
    page(source, Entity::find(), repo, after, limit).await
}

async fn page(
    source: &impl Source,
    query: Select<Entity>,
    repo: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>, Error> {
    let mut query = query
        .filter(Column::Repository.eq(repo))
        .order_by_asc(Column::Tag)
        .limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Tag.gt(after));
    }
    let found = query.all(&source.connection()).await?;
    Ok(found.into_iter().map(|model| model.tag).collect())
}

/// How many tags a repository has.
pub async fn tag_count(source: &impl Source, repo: &str) -> Result<u64, Error> {
    let query = Entity::find().filter(Column::Repository.eq(repo));
    Ok(query.count(&source.connection()).await?)
}

/// Like [`tags`], without those that name what was taken down.
pub async fn standing_tags(
    source: &impl Source,
    repo: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>, Error> {
    use crate::entity::{blocked_digest, withheld_digest};
    let withheld = Query::select()
        .column(withheld_digest::Column::Digest)
        .from(withheld_digest::Entity)
        .and_where(withheld_digest::Column::Repository.eq(repo))
        .take();
    let blocked = Query::select()
        .column(blocked_digest::Column::Digest)
        .from(blocked_digest::Entity)
        .take();
    let stands = Entity::find()
        .filter(Column::Digest.not_in_subquery(withheld))
        .filter(Column::Digest.not_in_subquery(blocked));
    page(source, stands, repo, after, limit).await
}

/// The tags of a repository that point at a manifest, compared bytewise.
pub async fn tags_of_digest(
    source: &impl Source,
    repo: &str,
    digest: &Digest,
) -> Result<Vec<String>, Error> {
    let query = Entity::find()
        .filter(Column::Repository.eq(repo))
        .filter(Column::Digest.eq(digest.as_str()))
        .order_by_asc(Column::Tag);
    let found = query.all(&source.connection()).await?;
    Ok(found.into_iter().map(|model| model.tag).collect())
}
