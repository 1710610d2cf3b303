//! Questions of visibility and the locks that a push needs: what a manifest lists must still be there when it is linked.
//!
//! On PostgreSQL a hold is a shared row lock: a delete of that row waits for the transaction and then sees what it
//! linked. SQLite has one writer, so there the read alone is a hold.

use oci::Digest;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::blobs::BlobMembership;
use super::manifests::Membership;
use super::usage::theirs;
use crate::entity::{
    blocked_digest, repository, repository_blob, repository_manifest, withheld_digest,
};
use crate::error::Error;
use crate::source::{Source, Tx};

/// Like [`super::has_blob`], and keeps the blob in the repository until the transaction ends.
pub async fn hold_blob(
    tx: &Tx,
    repo: &str,
    digest: &Digest,
) -> Result<Option<BlobMembership>, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = repository_blob::Entity::find_by_id(key)
        .lock_shared()
        .one(&tx.inner)
        .await?;
    Ok(found.as_ref().map(BlobMembership::of))
}

/// Like [`super::has_manifest`], and keeps the manifest in the repository until the transaction ends.
pub async fn hold_manifest(
    tx: &Tx,
    repo: &str,
    digest: &Digest,
) -> Result<Option<Membership>, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = repository_manifest::Entity::find_by_id(key)
        .lock_shared()
        .one(&tx.inner)
        .await?;
    Ok(found.map(|row| Membership { public: row.public }))
}

/// Whether anything in a repository is public.
pub async fn repository_public(source: &impl Source, repo: &str) -> Result<bool, Error> {
    let found = repository::Entity::find_by_id(repo)
        .one(&source.connection())
        .await?;
    Ok(found.is_some_and(|row| row.public))
}

/// At most `limit` repositories that hold a blob: the public ones first, then by name.
pub async fn repositories_of_blob(
    source: &impl Source,
    digest: &Digest,
    limit: u64,
) -> Result<Vec<String>, Error> {
    use repository_blob::Column as C;
    let rows = repository_blob::Entity::find()
        .filter(C::Digest.eq(digest.as_str()))
        .order_by_desc(C::Public)
        .order_by_asc(C::Repository)
        .limit(limit)
        .all(&source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| row.repository).collect())
}

/// Whether a publisher may already read a blob: it is public somewhere, or in one of their own repositories
/// (`{publisher}/…` and `incoming/{publisher}/…`), and not taken down there. Only then is it reused without being fetched
/// again.
pub async fn publisher_may_read(
    source: &impl Source,
    publisher: &str,
    digest: &Digest,
) -> Result<bool, Error> {
    use repository_blob::Column as C;
    use withheld_digest::Column as W;
    let readable = theirs(C::Repository, publisher).add(C::Public.eq(true));
    let withheld = Query::select()
        .column((withheld_digest::Entity, W::Digest))
        .from(withheld_digest::Entity)
        .and_where(
            Expr::col((withheld_digest::Entity, W::Repository))
                .equals((repository_blob::Entity, C::Repository)),
        )
        .and_where(Expr::col((withheld_digest::Entity, W::Digest)).eq(digest.as_str()))
        .take();
    let query = repository_blob::Entity::find()
        .filter(C::Digest.eq(digest.as_str()))
        .filter(readable)
        .filter(Expr::exists(withheld).not());
    Ok(query.count(&source.connection()).await? > 0)
}

/// Whether one of a publisher's own repositories holds a blob.
pub async fn publisher_holds(
    source: &impl Source,
    publisher: &str,
    digest: &Digest,
) -> Result<bool, Error> {
    use repository_blob::Column as C;
    let query = repository_blob::Entity::find()
        .filter(C::Digest.eq(digest.as_str()))
        .filter(theirs(C::Repository, publisher));
    Ok(query.count(&source.connection()).await? > 0)
}

/// Whether a repository was given a blob at `since` or later, with its bytes.
pub async fn linked_since(
    source: &impl Source,
    repo: &str,
    digest: &Digest,
    since: i64,
) -> Result<bool, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = repository_blob::Entity::find_by_id(key)
        .one(&source.connection())
        .await?;
    Ok(found.is_some_and(|row| row.linked_at >= since))
}

/// Why a digest was taken down, if it was.
pub async fn block_reason(source: &impl Source, digest: &Digest) -> Result<Option<String>, Error> {
    let found = blocked_digest::Entity::find_by_id(digest.as_str())
        .one(&source.connection())
        .await?;
    Ok(found.map(|row| row.reason))
}
