//! What a publisher holds in the registry: under `incoming/{publisher}/` and `{publisher}/`, each thing once however many
//! repositories list it. Counted from the rows themselves, so it cannot drift; that costs more the more there is, and `kept_usage` tells
//! when it is worth it.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, LockType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};

use crate::entity::{
    manifest, publisher, repository, repository_blob, repository_manifest, repository_tag, upload,
};
use crate::error::Error;
use crate::source::{Source, Tx};

/// What one publisher holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of blobs, manifests, and uploads under way.
    pub bytes: u64,
    /// Repositories.
    pub repositories: u64,
    /// Tags in all of them.
    pub tags: u64,
}

/// Lets one change of a publisher's holdings at a time count itself: until the transaction ends, whoever else asks waits.
pub async fn hold_publisher(tx: &Tx, publisher: &str) -> Result<(), Error> {
    publisher::Entity::find_by_id(publisher)
        .select_only()
        .column(publisher::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<String>()
        .one(&tx.inner)
        .await?;
    Ok(())
}

/// Counts everything a publisher holds.
pub async fn usage(source: &impl Source, publisher: &str) -> Result<Usage, Error> {
    let connection = source.connection();
    let repositories = repository::Entity::find()
        .filter(theirs(repository::Column::Name, publisher))
        .count(&connection)
        .await?;
    let tags = repository_tag::Entity::find()
        .filter(theirs(repository_tag::Column::Repository, publisher))
        .count(&connection)
        .await?;
    let mut bytes = 0;
    for query in [
        blob_bytes(publisher),
        manifest_bytes(publisher),
        upload_bytes(publisher),
    ] {
        let row = connection.query_one(&query).await?;
        let found: i64 = match row {
            Some(row) => row.try_get("", "bytes")?,
            None => 0,
        };
        bytes += u64::try_from(found).unwrap_or_default();
    }
    Ok(Usage {
        bytes,
        repositories,
        tags,
    })
}

/// Repositories of a publisher.
pub(super) fn theirs<C: ColumnTrait>(column: C, publisher: &str) -> Condition {
    Condition::any()
        .add(under(column, publisher))
        .add(incoming(column, publisher))
}

/// Repositories that a publisher pushes to.
pub(super) fn incoming<C: ColumnTrait>(column: C, publisher: &str) -> Condition {
    under(column, &format!("incoming/{publisher}"))
}

/// A prefix as a range, because an id may hold `_`, which LIKE would take for any character. `0` follows `/`.
pub(super) fn under<C: ColumnTrait>(column: C, prefix: &str) -> Condition {
    Condition::all()
        .add(column.gt(format!("{prefix}/")))
        .add(column.lt(format!("{prefix}0")))
}

/// `select coalesce(sum(size), 0) as bytes from (…)`, as a whole number on both engines.
fn sum_of(sizes: SelectStatement) -> SelectStatement {
    let sum = Func::sum(Expr::col(Alias::new("size")));
    let sum = Func::coalesce([sum.into(), Expr::val(0)]);
    Query::select()
        .expr_as(Expr::expr(sum).cast_as("bigint"), "bytes")
        .from_subquery(sizes, "sizes")
        .take()
}

fn blob_bytes(publisher: &str) -> SelectStatement {
    use repository_blob::{Column as C, Entity as E};
    let each_once = Query::select()
        .expr_as(Func::max(Expr::col(C::Size)), "size")
        .from(E)
        .cond_where(theirs(C::Repository, publisher))
        .group_by_col(C::Digest)
        .take();
    sum_of(each_once)
}

fn manifest_bytes(publisher: &str) -> SelectStatement {
    use manifest::{Column as M, Entity as E};
    let linked = Query::select()
        .column(repository_manifest::Column::Digest)
        .from(repository_manifest::Entity)
        .cond_where(theirs(repository_manifest::Column::Repository, publisher))
        .take();
    let length = Func::cust("length").arg(Expr::col(M::Bytes));
    let each_once = Query::select()
        .expr_as(length, "size")
        .from(E)
        .and_where(Expr::col(M::Digest).in_subquery(linked))
        .take();
    sum_of(each_once)
}

fn upload_bytes(publisher: &str) -> SelectStatement {
    use upload::{Column as C, Entity as E};
    let each = Query::select()
        .expr_as(Expr::col(C::Size), "size")
        .from(E)
        .cond_where(theirs(C::Repo, publisher))
        .take();
    sum_of(each)
}
