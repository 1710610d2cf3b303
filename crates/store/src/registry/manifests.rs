//! Manifests and their membership in repositories. The bytes are kept once, whoever links them.

use oci::Digest;
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::condemned;
use super::repositories::ensure_repository;
use crate::column::Row;
use crate::digests;
use crate::entity::manifest::{Column, Entity, Model};
use crate::entity::{repository_manifest, repository_tag};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A manifest or index, exactly as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// What its bytes hash to.
    pub digest: Digest,
    /// What it was pushed as.
    pub media_type: String,
    /// Its bytes; `oci` bounds them.
    pub bytes: Vec<u8>,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
}

/// A manifest's place in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Whether everyone may read it there.
    pub public: bool,
}

fn read(model: Model) -> Result<StoredManifest, Error> {
    let row = Row {
        table: "manifests",
        key: &model.digest,
    };
    Ok(StoredManifest {
        digest: row.read("digest", &model.digest)?,
        subject: row.optional(model.subject.as_deref(), |row, text| {
            row.read("subject", text)
        })?,
        media_type: model.media_type,
        bytes: model.bytes,
        artifact_type: model.artifact_type,
    })
}

/// Tries to put a manifest that others remove at the same time.
const TRIES_MAX: usize = 3;

/// Keeps a manifest; one that is there already stays as it is. The caller verified the digest.
pub async fn put_manifest(tx: &Tx, manifest: &StoredManifest) -> Result<(), Error> {
    let model = Model {
        digest: manifest.digest.to_string(),
        media_type: manifest.media_type.clone(),
        bytes: manifest.bytes.clone(),
        subject: manifest.subject.as_ref().map(Digest::to_string),
        artifact_type: manifest.artifact_type.clone(),
    };
    // A manifest is removed within one transaction, so a removal that can be seen from here is none under way.
    condemned::spare(tx, condemned::Kind::Manifest, &manifest.digest, i64::MAX).await?;
    // It may be there and be removed at this very moment; then it is ours to put there again.
    for _ in 0..TRIES_MAX {
        if write::insert_if_new(tx, model.clone().into_active_model()).await? {
            return Ok(());
        }
        let held = Entity::find_by_id(manifest.digest.as_str())
            .select_only()
            .column(Column::Digest)
            .lock_shared()
            .into_tuple::<String>()
            .one(&tx.inner)
            .await?;
        if held.is_some() {
            return Ok(());
        }
    }
    Err(Error::Busy(
        "this manifest is being removed and put back by turns",
    ))
}

/// The manifest with this digest, whichever repositories hold it: ask [`has_manifest`] first.
pub async fn manifest(
    source: &impl Source,
    digest: &Digest,
) -> Result<Option<StoredManifest>, Error> {
    let found = Entity::find_by_id(digest.as_str())
        .one(&source.connection())
        .await?;
    found.map(read).transpose()
}

/// Puts a manifest into a repository, which is made when new. What was public stays public.
pub async fn link_manifest(
    tx: &Tx,
    repo: &str,
    digest: &Digest,
    public: bool,
    now: i64,
) -> Result<(), Error> {
    ensure_repository(tx, repo, public, now).await?;
    let row = repository_manifest::Model {
        repository: repo.to_owned(),
        digest: digest.to_string(),
        public,
        linked_at: now,
    };
    let row = row.into_active_model();
    if !public {
        write::insert_if_new(tx, row).await?;
        return Ok(());
    }
    use repository_manifest::Column as C;
    write::upsert(tx, row, [C::Repository, C::Digest], [C::Public]).await
}

/// Whether a repository holds a manifest, and for whom.
pub async fn has_manifest(
    source: &impl Source,
    repo: &str,
    digest: &Digest,
) -> Result<Option<Membership>, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = repository_manifest::Entity::find_by_id(key)
        .one(&source.connection())
        .await?;
    Ok(found.map(|row| Membership { public: row.public }))
}

/// Takes a manifest and every tag that names it out of a repository. `false`: it was not in there.
pub async fn unlink_manifest(tx: &Tx, repo: &str, digest: &Digest) -> Result<bool, Error> {
    repository_tag::Entity::delete_many()
        .filter(repository_tag::Column::Repository.eq(repo))
        .filter(repository_tag::Column::Digest.eq(digest.as_str()))
        .exec(&tx.inner)
        .await?;
    let key = (repo.to_owned(), digest.to_string());
    Ok(repository_manifest::Entity::delete_by_id(key)
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// The manifests of a repository, in order of digest.
pub async fn manifests_of(
    source: &impl Source,
    repo: &str,
) -> Result<Vec<(Digest, Membership)>, Error> {
    use repository_manifest::Column as C;
    let rows = repository_manifest::Entity::find()
        .filter(C::Repository.eq(repo))
        .order_by_asc(C::Digest)
        .all(&source.connection())
        .await?;
    let row = Row {
        table: "repository_manifests",
        key: repo,
    };
    rows.into_iter()
        .map(|model| {
            Ok((
                row.read("digest", &model.digest)?,
                Membership {
                    public: model.public,
                },
            ))
        })
        .collect()
}

fn digests_in(repo: &str) -> SelectStatement {
    use repository_manifest::Column as C;
    Query::select()
        .column(C::Digest)
        .from(repository_manifest::Entity)
        .and_where(C::Repository.eq(repo))
        .take()
}

/// Which referrers are asked for.
#[derive(Clone, Copy, Debug)]
pub struct ReferrersOf<'a> {
    /// In which repository.
    pub repo: &'a str,
    /// Of which manifest.
    pub subject: &'a Digest,
    /// Only public ones.
    pub public: bool,
    /// Only of this type.
    pub artifact_type: Option<&'a str>,
}

/// At most `limit` manifests of a repository whose subject is this digest, in order of digest, beginning after `after`.
pub async fn referrers(
    source: &impl Source,
    asked: ReferrersOf<'_>,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<StoredManifest>, Error> {
    referring(asked, after, limit)
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The same by digest alone: each of them may be megabytes large.
pub async fn referrer_digests(
    source: &impl Source,
    asked: ReferrersOf<'_>,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    let found: Vec<String> = referring(asked, after, limit)
        .select_only()
        .column(Column::Digest)
        .into_tuple()
        .all(&source.connection())
        .await?;
    digests::parse("manifests", &found)
}

fn referring(asked: ReferrersOf<'_>, after: Option<&Digest>, limit: u64) -> Select<Entity> {
    use repository_manifest::Column as C;
    let mut here = digests_in(asked.repo);
    if asked.public {
        here.and_where(C::Public.eq(true));
    }
    let mut query = Entity::find()
        .filter(Column::Subject.eq(asked.subject.as_str()))
        .filter(Column::Digest.in_subquery(here))
        .order_by_asc(Column::Digest)
        .limit(limit);
    if let Some(artifact_type) = asked.artifact_type {
        query = query.filter(Column::ArtifactType.eq(artifact_type));
    }
    if let Some(after) = after {
        query = query.filter(Column::Digest.gt(after.as_str()));
    }
    query
}

/// Takes a manifest out of a repository unless it is public there. `false`: it stays, or was not in there.
pub async fn let_go_manifest(tx: &Tx, repo: &str, digest: &Digest) -> Result<bool, Error> {
    use repository_manifest::Column as C;
    let query = repository_manifest::Entity::delete_many()
        .filter(C::Repository.eq(repo))
        .filter(C::Digest.eq(digest.as_str()))
        .filter(C::Public.eq(false));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// The repositories in which a manifest is public, by name.
pub async fn repositories_with_manifest(
    source: &impl Source,
    digest: &Digest,
) -> Result<Vec<String>, Error> {
    use repository_manifest::Column as C;
    let rows = repository_manifest::Entity::find()
        .filter(C::Digest.eq(digest.as_str()))
        .filter(C::Public.eq(true))
        .order_by_asc(C::Repository)
        .all(&source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| row.repository).collect())
}
