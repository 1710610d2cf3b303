//! Digests that the operator took down: never served, never accepted again, whichever repository holds them.

use oci::Digest;
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder};

use crate::column::Row;
use crate::entity::blocked_digest::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A digest that was taken down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedDigest {
    /// Of a manifest or a blob.
    pub digest: Digest,
    /// Why, for people.
    pub reason: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
}

/// Whether a digest was taken down.
pub async fn is_blocked(source: &impl Source, digest: &Digest) -> Result<bool, Error> {
    let found = Entity::find_by_id(digest.as_str())
        .one(&source.connection())
        .await?;
    Ok(found.is_some())
}

/// Takes a digest down; if it is, only the reason changes.
pub async fn block(tx: &Tx, blocked: &BlockedDigest) -> Result<(), Error> {
    let model = Model {
        digest: blocked.digest.to_string(),
        reason: blocked.reason.clone(),
        at: blocked.at,
    };
    write::upsert(
        tx,
        model.into_active_model(),
        [Column::Digest],
        [Column::Reason],
    )
    .await
}

/// Lets a digest be served again. `false`: it was not blocked.
pub async fn unblock(tx: &Tx, digest: &Digest) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(digest.as_str())
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// Every blocked digest, the last one first.
pub async fn list(source: &impl Source) -> Result<Vec<BlockedDigest>, Error> {
    let query = Entity::find()
        .order_by_desc(Column::At)
        .order_by_asc(Column::Digest);
    let read = |model: Model| {
        let row = Row {
            table: "blocked_digests",
            key: &model.digest,
        };
        Ok(BlockedDigest {
            digest: row.read("digest", &model.digest)?,
            reason: model.reason,
            at: model.at,
        })
    };
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}
