//! Content on its way out. A digest that no repository links is marked; only when it was marked for long enough may it be
//! removed. Linking it takes the mark away; while the removal itself runs, linking is refused for that moment. So of a link
//! and a removal that meet, one sees the other, on both engines.

use std::collections::BTreeSet;

use oci::Digest;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::digests;
use crate::entity::condemned::{Column, Entity, Model};
use crate::entity::{manifest, repository_blob, repository_manifest};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write::{self, BINDS_MAX};

/// A removal that began so long ago (microseconds) was left by a process that died; another may take it over.
pub const REMOVING_MICROS_MAX: i64 = 10 * 60 * 1_000_000;
/// Digests that one question takes.
pub const BATCH_MAX: usize = BINDS_MAX - 8;

/// What is condemned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes in the blob storage.
    Blob,
    /// A row of `manifests`.
    Manifest,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Manifest => "manifest",
        }
    }

    /// The repositories' rows that hold this digest.
    fn links(self, digest: &Digest) -> SelectStatement {
        let mut query = Query::select();
        match self {
            Self::Blob => query
                .column(repository_blob::Column::Digest)
                .from(repository_blob::Entity)
                .and_where(repository_blob::Column::Digest.eq(digest.as_str())),
            Self::Manifest => query
                .column(repository_manifest::Column::Digest)
                .from(repository_manifest::Entity)
                .and_where(repository_manifest::Column::Digest.eq(digest.as_str())),
        };
        query
    }
}

fn one(kind: Kind, digest: &Digest) -> Condition {
    Condition::all()
        .add(Column::Kind.eq(kind.as_str()))
        .add(Column::Digest.eq(digest.as_str()))
}

fn nobody_at_it(now: i64) -> Condition {
    Condition::any()
        .add(Column::RemovingSince.is_null())
        .add(Column::RemovingSince.lt(now - REMOVING_MICROS_MAX))
}

/// Marks what nothing links. `false`: it was marked before, and that time counts.
pub async fn mark(tx: &Tx, kind: Kind, digest: &Digest, now: i64) -> Result<bool, Error> {
    let row = Model {
        kind: kind.as_str().to_owned(),
        digest: digest.to_string(),
        since: now,
        removing_since: None,
    };
    write::insert_if_new(tx, row.into_active_model()).await
}

/// Takes a mark away, because something is about to link it. [`Error::Busy`] while it is being removed; a removal that a
/// process left half-way is over after [`REMOVING_MICROS_MAX`].
pub(super) async fn spare(tx: &Tx, kind: Kind, digest: &Digest, now: i64) -> Result<(), Error> {
    // Marked here first: whoever wants to mark it meanwhile waits for our commit, and then finds it linked. Without that a
    // mark and a removal without grace could both begin before our link is seen.
    mark(tx, kind, digest, now).await?;
    Entity::delete_many()
        .filter(one(kind, digest))
        .filter(nobody_at_it(now))
        .exec(&tx.inner)
        .await?;
    let left = Entity::find().filter(one(kind, digest)).one(&tx.inner);
    match left.await? {
        None => Ok(()),
        Some(_) => Err(Error::Busy(
            "this content was unused and is being removed at this moment",
        )),
    }
}

/// At most `limit` digests that were marked at `before` or earlier, beginning after `after`.
pub async fn due(
    source: &impl Source,
    kind: Kind,
    before: i64,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    let due = Condition::all()
        .add(Column::Kind.eq(kind.as_str()))
        .add(Column::Since.lte(before));
    digests::page::<Entity>(source, Column::Digest, due, after, limit).await
}

/// Begins a removal: the digest is still marked since `before` or earlier, nothing links it, and nobody else is at it.
/// After the commit it cannot be linked until [`removed`].
pub async fn begin_removal(
    tx: &Tx,
    kind: Kind,
    digest: &Digest,
    before: i64,
    now: i64,
) -> Result<bool, Error> {
    let begun = Entity::update_many()
        .col_expr(Column::RemovingSince, Expr::value(now))
        .filter(one(kind, digest))
        .filter(Column::Since.lte(before))
        .filter(nobody_at_it(now))
        .filter(Expr::exists(kind.links(digest)).not())
        .exec(&tx.inner)
        .await?;
    Ok(begun.rows_affected == 1)
}

/// Ends a removal, or forgets a mark.
pub async fn removed(tx: &Tx, kind: Kind, digest: &Digest) -> Result<(), Error> {
    Entity::delete_many()
        .filter(one(kind, digest))
        .exec(&tx.inner)
        .await?;
    Ok(())
}

/// Gives a removal up that did not succeed: the mark stays, and the digest can be linked again at once.
pub async fn not_removed(tx: &Tx, kind: Kind, digest: &Digest) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::RemovingSince, Expr::value(None::<i64>))
        .filter(one(kind, digest))
        .exec(&tx.inner)
        .await?;
    Ok(())
}

/// Forgets the mark of what is linked again. `false`: it is not linked.
pub async fn forget_if_linked(tx: &Tx, kind: Kind, digest: &Digest) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(one(kind, digest))
        .filter(Expr::exists(kind.links(digest)))
        .exec(&tx.inner)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Deletes the row of a manifest that nothing links. `false`: something links it (again), or it is gone.
pub async fn remove_manifest(tx: &Tx, digest: &Digest) -> Result<bool, Error> {
    // Whoever is linking it holds the row; then the next statement sees the link.
    manifest::Entity::find_by_id(digest.as_str())
        .select_only()
        .column(manifest::Column::Digest)
        .lock_exclusive()
        .into_tuple::<String>()
        .one(&tx.inner)
        .await?;
    let gone = manifest::Entity::delete_many()
        .filter(manifest::Column::Digest.eq(digest.as_str()))
        .filter(Expr::exists(Kind::Manifest.links(digest)).not())
        .exec(&tx.inner)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// At most `limit` manifests that no repository links, beginning after `after`.
pub async fn unlinked_manifests(
    source: &impl Source,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    let linked = Query::select()
        .column(repository_manifest::Column::Digest)
        .from(repository_manifest::Entity)
        .take();
    let column = manifest::Column::Digest;
    let unlinked = Condition::all().add(column.not_in_subquery(linked));
    digests::page::<manifest::Entity>(source, column, unlinked, after, limit).await
}

/// Which of at most [`BATCH_MAX`] blobs some repository holds.
pub async fn linked_blobs(
    source: &impl Source,
    blobs: &[Digest],
) -> Result<BTreeSet<Digest>, Error> {
    use repository_blob::{Column as C, Entity as E};
    let these = Condition::all().add(C::Digest.is_in(blobs.iter().map(Digest::as_str)));
    let found = digests::all::<E>(source, C::Digest, these).await?;
    Ok(found.into_iter().collect())
}

/// Blobs of a repository that are not public and were linked before a time, in order of digest.
pub async fn old_private_blobs(
    source: &impl Source,
    repo: &str,
    before: i64,
) -> Result<Vec<Digest>, Error> {
    use repository_blob::{Column as C, Entity as E};
    let old = Condition::all()
        .add(C::Repository.eq(repo))
        .add(C::Public.eq(false))
        .add(C::LinkedAt.lt(before));
    digests::all::<E>(source, C::Digest, old).await
}

/// Manifests of a repository that are not public and were linked before a time, in order of digest.
pub async fn old_private_manifests(
    source: &impl Source,
    repo: &str,
    before: i64,
) -> Result<Vec<Digest>, Error> {
    use repository_manifest::{Column as C, Entity as E};
    let old = Condition::all()
        .add(C::Repository.eq(repo))
        .add(C::Public.eq(false))
        .add(C::LinkedAt.lt(before));
    digests::all::<E>(source, C::Digest, old).await
}

/// Manifests that came into a repository at or after a time.
pub async fn manifests_since(
    source: &impl Source,
    repo: &str,
    since: i64,
) -> Result<Vec<Digest>, Error> {
    use repository_manifest::{Column as C, Entity as E};
    let new = Condition::all()
        .add(C::Repository.eq(repo))
        .add(C::LinkedAt.gte(since));
    digests::all::<E>(source, C::Digest, new).await
}
