//! Uploads under way: how far each has come and which objects hold its chunks.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::upload::{Column, Entity};
use crate::entity::upload_chunk;
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::upload::Model as Upload;

/// One received piece of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where in the blob it begins, in bytes.
    pub offset: i64,
    /// Bytes.
    pub len: i64,
    /// Under which key [`crate::Blobs`] keeps it.
    pub key: String,
}

/// Begins an upload.
pub async fn insert(tx: &Tx, upload: &Upload) -> Result<(), Error> {
    write::insert(tx, upload.clone().into_active_model(), "the upload id").await
}

/// The upload with this id.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Upload>, Error> {
    Ok(Entity::find_by_id(id).one(&source.connection()).await?)
}

/// The chunks of an upload from the first byte to the last.
pub async fn chunks(source: &impl Source, upload: &str) -> Result<Vec<Chunk>, Error> {
    let rows = upload_chunk::Entity::find()
        .filter(upload_chunk::Column::Upload.eq(upload))
        .order_by_asc(upload_chunk::Column::OffsetBytes)
        .all(&source.connection())
        .await?;
    let chunk = |row: upload_chunk::Model| Chunk {
        offset: row.offset_bytes,
        len: row.length,
        key: row.object_key,
    };
    Ok(rows.into_iter().map(chunk).collect())
}

/// Adds a chunk where the upload ends. `false`: it does not end at `offset_expected` (any more), or there is none;
/// of two chunks for the same place, one gets in.
pub async fn append_chunk(
    tx: &Tx,
    id: &str,
    offset_expected: i64,
    len: i64,
    key: &str,
    now: i64,
) -> Result<bool, Error> {
    let grown = Entity::update_many()
        .col_expr(Column::Size, Expr::col(Column::Size).add(len))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::Size.eq(offset_expected))
        .exec(&tx.inner)
        .await?;
    if grown.rows_affected == 0 {
        return Ok(false);
    }
    if len == 0 {
        // Nothing came; a second chunk may begin at the same place.
        return Ok(true);
    }
    let row = upload_chunk::Model {
        upload: id.to_owned(),
        offset_bytes: offset_expected,
        length: len,
        object_key: key.to_owned(),
    };
    write::insert(tx, row.into_active_model(), "the place of a chunk").await?;
    Ok(true)
}

/// Forgets an upload and its chunks; their objects are [`crate::Blobs::delete_chunks`]'s. `false`: there is none.
pub async fn delete(tx: &Tx, id: &str) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(id)
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// Everything on its way into a repository, in the order of ids.
pub async fn of_repository(source: &impl Source, repo: &str) -> Result<Vec<Upload>, Error> {
    let query = Entity::find()
        .filter(Column::Repo.eq(repo))
        .order_by_asc(Column::Id);
    Ok(query.all(&source.connection()).await?)
}

/// The ids of all uploads under way.
pub async fn ids(source: &impl Source) -> Result<BTreeSet<String>, Error> {
    let query = Entity::find().select_only().column(Column::Id);
    let found: Vec<String> = query.into_tuple().all(&source.connection()).await?;
    Ok(found.into_iter().collect())
}

/// Uploads to which nothing came since `before`, longest idle first.
pub async fn stale(source: &impl Source, before: i64) -> Result<Vec<Upload>, Error> {
    let query = Entity::find()
        .filter(Column::UpdatedAt.lt(before))
        .order_by_asc(Column::UpdatedAt)
        .order_by_asc(Column::Id);
    Ok(query.all(&source.connection()).await?)
}
