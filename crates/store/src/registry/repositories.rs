//! Repositories. One comes into being with the first thing linked into it, and is public once anything in it is.

use std::collections::BTreeSet;

use domain::ids::OfferKey;
use oci::Digest;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::usage::under;
use crate::column::Row;
use crate::entity::repository::{Column, Entity, Model};
use crate::entity::{repository_blob, repository_manifest};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write::{self, BINDS_MAX};

pub(super) async fn ensure_repository(
    tx: &Tx,
    repo: &str,
    public: bool,
    now: i64,
) -> Result<(), Error> {
    let model = Model {
        name: repo.to_owned(),
        public,
        created_at: now,
    };
    let made = write::insert_if_new(tx, model.into_active_model()).await?;
    if public && !made {
        make_public(tx, repo).await
    } else {
        Ok(())
    }
}

/// Touches the row only when it changes: pushes into one repository do not queue for its lock.
async fn make_public(tx: &Tx, repo: &str) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Public, Expr::value(true))
        .filter(Column::Name.eq(repo))
        .filter(Column::Public.eq(false))
        .exec(&tx.inner)
        .await?;
    Ok(())
}

/// Makes everything that an image needs public at once. All of it must be linked; otherwise nothing changes and the
/// answer is [`Error::Inconsistent`].
pub async fn publish_closure(
    tx: &Tx,
    repo: &str,
    manifests: &[Digest],
    blobs: &[Digest],
) -> Result<(), Error> {
    let manifests: BTreeSet<&str> = manifests.iter().map(Digest::as_str).collect();
    let blobs: BTreeSet<&str> = blobs.iter().map(Digest::as_str).collect();
    check_linked(tx, repo, &manifests, &blobs).await?;
    for some in chunks(&manifests) {
        use repository_manifest::{Column as C, Entity as E};
        let query = E::update_many()
            .col_expr(C::Public, Expr::value(true))
            .filter(C::Repository.eq(repo))
            .filter(C::Digest.is_in(some));
        query.exec(&tx.inner).await?;
    }
    for some in chunks(&blobs) {
        use repository_blob::{Column as C, Entity as E};
        let query = E::update_many()
            .col_expr(C::Public, Expr::value(true))
            .filter(C::Repository.eq(repo))
            .filter(C::Digest.is_in(some));
        query.exec(&tx.inner).await?;
    }
    make_public(tx, repo).await
}

/// Two binds of a statement are the repository and the flag.
fn chunks<'a>(digests: &BTreeSet<&'a str>) -> Vec<Vec<&'a str>> {
    let all: Vec<&str> = digests.iter().copied().collect();
    all.chunks(BINDS_MAX - 2).map(<[&str]>::to_vec).collect()
}

async fn check_linked(
    tx: &Tx,
    repo: &str,
    manifests: &BTreeSet<&str>,
    blobs: &BTreeSet<&str>,
) -> Result<(), Error> {
    let (mut manifests_found, mut blobs_found) = (0, 0);
    for some in chunks(manifests) {
        use repository_manifest::{Column as C, Entity as E};
        let query = E::find()
            .filter(C::Repository.eq(repo))
            .filter(C::Digest.is_in(some));
        manifests_found += query.count(&tx.inner).await?;
    }
    for some in chunks(blobs) {
        use repository_blob::{Column as C, Entity as E};
        let query = E::find()
            .filter(C::Repository.eq(repo))
            .filter(C::Digest.is_in(some));
        blobs_found += query.count(&tx.inner).await?;
    }
    let short = |table, found: u64, wanted: usize| {
        let what = format!("{found} of the {wanted} digests to be made public are linked");
        Err(Row { table, key: repo }.wrong("digest", &what))
    };
    if manifests_found != manifests.len() as u64 {
        return short("repository_manifests", manifests_found, manifests.len());
    }
    if blobs_found != blobs.len() as u64 {
        return short("repository_blobs", blobs_found, blobs.len());
    }
    Ok(())
}

/// Whether anything was ever linked into a repository.
pub async fn repository_exists(source: &impl Source, repo: &str) -> Result<bool, Error> {
    Ok(Entity::find_by_id(repo)
        .one(&source.connection())
        .await?
        .is_some())
}

/// At most `limit` names of repositories, compared bytewise, beginning after the name `after`.
pub async fn repositories(
    source: &impl Source,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>, Error> {
    let mut query = Entity::find().order_by_asc(Column::Name).limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Name.gt(after));
    }
    names(query, source).await
}

/// The repositories of a module in which anything is public, by name.
pub async fn public_repositories_of(
    source: &impl Source,
    key: &OfferKey,
) -> Result<Vec<String>, Error> {
    let module = format!("{}/{}", key.publisher, key.offer);
    let query = Entity::find()
        .filter(under(Column::Name, &module))
        .filter(Column::Public.eq(true))
        .order_by_asc(Column::Name);
    names(query, source).await
}

async fn names(query: Select<Entity>, source: &impl Source) -> Result<Vec<String>, Error> {
    let found = query.all(&source.connection()).await?;
    Ok(found.into_iter().map(|row| row.name).collect())
}
