//! Which repository holds which blob. A blob's bytes are kept once; to read them one must name a repository that
//! holds it, so knowing a digest alone opens nothing.

use std::collections::BTreeMap;

use oci::Digest;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, Statement,
};

use super::condemned;
use super::repositories::ensure_repository;
use super::usage::incoming;
use crate::column::Row;
use crate::digests;
use crate::entity::repository_blob::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A blob's place in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobMembership {
    /// Whether everyone may read it there.
    pub public: bool,
    /// Bytes.
    pub size: i64,
    /// When it was last said that it is needed there, microseconds since 1970, UTC.
    pub linked_at: i64,
}

impl BlobMembership {
    pub(super) fn of(row: &Model) -> Self {
        Self {
            public: row.public,
            size: row.size,
            linked_at: row.linked_at,
        }
    }
}

/// Puts a blob into a repository, which is made when new, or says again that it is needed there. What was public stays
/// public. [`Error::Busy`] while its bytes are being removed because nothing linked them.
pub async fn link_blob(
    tx: &Tx,
    repo: &str,
    digest: &Digest,
    size: i64,
    public: bool,
    now: i64,
) -> Result<(), Error> {
    condemned::spare(tx, condemned::Kind::Blob, digest, now).await?;
    ensure_repository(tx, repo, public, now).await?;
    let row = Model {
        repository: repo.to_owned(),
        digest: digest.to_string(),
        size,
        public,
        linked_at: now,
    };
    let row = row.into_active_model();
    let key = [Column::Repository, Column::Digest];
    if public {
        return write::upsert(tx, row, key, [Column::Public]).await;
    }
    write::upsert(tx, row, key, [Column::LinkedAt]).await
}

/// [`link_blob`] for many, in order of digest: of two who link the same ones at once, neither waits for the other in a circle.
pub async fn link_blobs(
    tx: &Tx,
    repo: &str,
    blobs: impl IntoIterator<Item = (&Digest, i64)>,
    now: i64,
) -> Result<(), Error> {
    let ordered: BTreeMap<&Digest, i64> = blobs.into_iter().collect();
    for (digest, size) in ordered {
        link_blob(tx, repo, digest, size, false, now).await?;
    }
    Ok(())
}

/// Whether a repository holds a blob, how large it is and for whom.
pub async fn has_blob(
    source: &impl Source,
    repo: &str,
    digest: &Digest,
) -> Result<Option<BlobMembership>, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = Entity::find_by_id(key).one(&source.connection()).await?;
    Ok(found.as_ref().map(BlobMembership::of))
}

/// Whether any repository holds a blob; one that none holds may be swept away.
pub async fn is_blob_linked(source: &impl Source, digest: &Digest) -> Result<bool, Error> {
    let query = Entity::find().filter(Column::Digest.eq(digest.as_str()));
    Ok(query.count(&source.connection()).await? > 0)
}

/// How many blobs repositories hold, each counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobTotals {
    /// Blobs.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Counts what repositories hold. Reads the whole table: for a scraper, not for a page.
pub async fn blob_totals(source: &impl Source) -> Result<BlobTotals, Error> {
    let connection = source.connection();
    let sql = "select count(*) as count, cast(coalesce(sum(size), 0) as bigint) as bytes \
        from (select max(size) as size from repository_blobs group by digest) as each_once";
    let asked = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(asked).await?;
    let number = |column: &str| -> Result<u64, Error> {
        let found: i64 = match &row {
            Some(row) => row.try_get("", column)?,
            None => 0,
        };
        Ok(u64::try_from(found).unwrap_or_default())
    };
    Ok(BlobTotals {
        count: number("count")?,
        bytes: number("bytes")?,
    })
}

/// Takes a blob out of a repository. `false`: it was not in there.
pub async fn unlink_blob(tx: &Tx, repo: &str, digest: &Digest) -> Result<bool, Error> {
    let key = (repo.to_owned(), digest.to_string());
    Ok(Entity::delete_by_id(key)
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// Says again that a blob is needed in a repository. `false`: it is not in there (any more).
pub async fn need_blob(tx: &Tx, repo: &str, digest: &Digest, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::LinkedAt, Expr::value(now))
        .filter(Column::Repository.eq(repo))
        .filter(Column::Digest.eq(digest.as_str()));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Takes a blob out of a repository unless it is public there or was said to be needed at `before` or later. `false`: it
/// stays, or was not in there.
pub async fn let_go_blob(tx: &Tx, repo: &str, digest: &Digest, before: i64) -> Result<bool, Error> {
    let query = Entity::delete_many()
        .filter(Column::Repository.eq(repo))
        .filter(Column::Digest.eq(digest.as_str()))
        .filter(Column::Public.eq(false))
        .filter(Column::LinkedAt.lt(before));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Takes a blob out of a repository, or only hides it there when it was linked at `since` or later.
pub async fn unlink_unless_since(
    tx: &Tx,
    repo: &str,
    digest: &Digest,
    since: i64,
) -> Result<(), Error> {
    let of = |linked: SimpleExpr| {
        Condition::all()
            .add(Column::Repository.eq(repo))
            .add(Column::Digest.eq(digest.as_str()))
            .add(linked)
    };
    Entity::delete_many()
        .filter(of(Column::LinkedAt.lt(since)))
        .exec(&tx.inner)
        .await?;
    Entity::update_many()
        .col_expr(Column::Public, Expr::value(false))
        .filter(of(Column::LinkedAt.gte(since)))
        .exec(&tx.inner)
        .await?;
    Ok(())
}

/// Takes a blob out of everything under `incoming/{publisher}/` where it was linked before a time; tells of how many.
pub async fn unlink_incoming(
    tx: &Tx,
    publisher: &str,
    digest: &Digest,
    before: i64,
) -> Result<u64, Error> {
    let query = Entity::delete_many()
        .filter(Column::Digest.eq(digest.as_str()))
        .filter(incoming(Column::Repository, publisher))
        .filter(Column::LinkedAt.lt(before));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// The blobs of a repository, in order of digest.
pub async fn blobs_of(
    source: &impl Source,
    repo: &str,
) -> Result<Vec<(Digest, BlobMembership)>, Error> {
    let rows = Entity::find()
        .filter(Column::Repository.eq(repo))
        .order_by_asc(Column::Digest)
        .all(&source.connection())
        .await?;
    let row = Row {
        table: "repository_blobs",
        key: repo,
    };
    rows.into_iter()
        .map(|model| {
            let membership = BlobMembership::of(&model);
            Ok((row.read("digest", &model.digest)?, membership))
        })
        .collect()
}

/// Digests of the blobs that any repository holds, each once, in order, after the given one; at most `limit`.
pub async fn held_blobs(
    source: &impl Source,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    digests::page::<Entity>(source, Column::Digest, Condition::all(), after, limit).await
}
