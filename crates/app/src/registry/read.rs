//! What a caller finds in the registry: one manifest, one blob, tags and repositories. Visibility is decided here; bytes
//! are fetched by whoever serves them.

use std::sync::Arc;

use oci::{Digest, ErrorCode, Reference, RepositoryName};
use serde_json::json;

use super::access::{Ask, Target, taken_down};
use super::authorize::{allow_read, unknown};
use super::caller::Caller;
use super::place::Place;
use super::refusal::{Fault, Refusal};
use super::stopped::{refuse_stopped, stopped};
use crate::App;
use crate::clock::MINUTE;

/// Entries of one page of tags or repositories when the client names no number, and the most it gets when it does.
pub const PAGE_ENTRIES_MAX: u64 = 1_000;

/// A layer that somebody asks for is noted as needed so often at most.
const NEEDED_AGAIN_MICROS: i64 = 10 * MINUTE;

/// A manifest that this caller may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManifest {
    /// What the tag or digest stands for.
    pub digest: Digest,
    /// Whether anyone may have it, and keep it in a shared cache.
    pub public: bool,
    /// What whoever pulls it should read: the module is no longer offered.
    pub warning: Option<Arc<str>>,
}

/// A blob that this caller may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundBlob {
    /// Its length.
    pub size: u64,
    /// Whether anyone may have it.
    pub public: bool,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In ASCII order.
    pub entries: Vec<String>,
    /// Whether more follow.
    pub more: bool,
}

fn target(public: Option<bool>) -> Target {
    match public {
        None => Target::Absent,
        Some(false) => Target::Hidden,
        Some(true) => Target::Public,
    }
}

/// Finds a manifest by tag or digest.
pub async fn find_manifest(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<FoundManifest, Refusal> {
    let name = repository.as_str();
    let (ask, digest) = match reference {
        Reference::Tag(tag) => (
            Ask::Tagged,
            store::registry::tag(&app.reader, name, tag.as_str()).await?,
        ),
        Reference::Digest(digest) => (Ask::Addressed, Some(digest.clone())),
    };
    let membership = match &digest {
        Some(digest) => store::registry::has_manifest(&app.reader, name, digest).await?,
        None => None,
    };
    let target = target(membership.map(|membership| membership.public));
    if let (Target::Absent, Reference::Digest(digest)) = (target, reference) {
        refuse_left_out(app, repository, digest).await?;
    }
    let missing = unknown(ErrorCode::ManifestUnknown, repository, reference.as_str());
    allow_read(
        app,
        caller,
        (ask, repository),
        target,
        digest.as_ref(),
        missing,
    )
    .await?;
    let Some(digest) = digest else {
        return Err(Refusal::NotFound(unknown(
            ErrorCode::ManifestUnknown,
            repository,
            reference.as_str(),
        )));
    };
    let public = target == Target::Public;
    let warning = match public {
        true => stopped(app, repository).await?,
        false => None,
    };
    Ok(FoundManifest {
        digest,
        public,
        warning,
    })
}

/// Tells that an image is not there on purpose. Its index is public and lists it, so that is no secret.
async fn refuse_left_out(
    app: &App,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Refusal> {
    let name = repository.as_str();
    let Some(platform) = store::registry::left_out(&app.reader, name, digest).await? else {
        return Ok(());
    };
    let message = format!(
        "{digest} is the image for {platform}, which its index lists and the publisher of `{repository}` does not offer here; pull the image for another platform"
    );
    let fault = Fault::new(ErrorCode::ManifestUnknown, message);
    Err(Refusal::NotFound(fault.with(json!({"platform": platform}))))
}

/// Finds a blob.
pub async fn find_blob(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<FoundBlob, Refusal> {
    let membership = store::registry::has_blob(&app.reader, repository.as_str(), digest).await?;
    let target = target(membership.as_ref().map(|membership| membership.public));
    let missing = || unknown(ErrorCode::BlobUnknown, repository, digest.as_str());
    let target = allow_read(
        app,
        caller,
        (Ask::Addressed, repository),
        target,
        Some(digest),
        missing(),
    )
    .await?;
    if target == Target::Public {
        refuse_stopped(app, repository).await?;
    }
    let membership = membership.ok_or_else(|| Refusal::NotFound(missing()))?;
    // Whoever finds a layer in the place for pushes does not push it again: it must not be collected just then.
    let now = app.clock.now();
    if target == Target::Hidden
        && matches!(Place::of(repository), Place::Incoming(_))
        && membership.linked_at + NEEDED_AGAIN_MICROS < now
    {
        let tx = app.writer.begin().await?;
        if !store::registry::need_blob(&tx, repository.as_str(), digest, now).await? {
            return Err(Refusal::NotFound(missing()));
        }
        tx.commit().await?;
    }
    let size = membership.size;
    let size = u64::try_from(size)
        .map_err(|_| Refusal::storage(format!("blob {digest}: negative size in metadata")))?;
    Ok(FoundBlob {
        size,
        public: target == Target::Public,
    })
}

/// One page of a repository's tags after `last`.
pub async fn list_tags(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    n: Option<u64>,
    last: Option<&str>,
) -> Result<Page, Refusal> {
    let name = repository.as_str();
    let target = if store::registry::repository_public(&app.reader, name).await? {
        Target::Public
    } else if store::registry::repository_exists(&app.reader, name).await? {
        Target::Hidden
    } else {
        Target::Absent
    };
    let missing = unknown(ErrorCode::NameUnknown, repository, "");
    allow_read(app, caller, (Ask::Tags, repository), target, None, missing).await?;
    let limit = n.unwrap_or(PAGE_ENTRIES_MAX).min(PAGE_ENTRIES_MAX);
    if limit == 0 {
        return Ok(Page {
            entries: Vec::new(),
            more: false,
        });
    }
    let entries = store::registry::standing_tags(&app.reader, name, last, limit + 1).await?;
    if entries.is_empty() {
        refuse_what_is_down(app, name).await?;
    }
    Ok(cut(entries, limit))
}

/// Tags of what was taken down are not listed; when that leaves none, the reason is told.
async fn refuse_what_is_down(app: &App, repository: &str) -> Result<(), Refusal> {
    let standing = store::registry::standing_tags(&app.reader, repository, None, 1).await?;
    let any = store::registry::tags(&app.reader, repository, None, 1).await?;
    let (true, Some(tag)) = (standing.is_empty(), any.first()) else {
        return Ok(());
    };
    let Some(digest) = store::registry::tag(&app.reader, repository, tag).await? else {
        return Ok(());
    };
    let reason = match store::takedowns::reason_in(&app.reader, repository, &digest).await? {
        Some(reason) => Some(reason),
        None => store::registry::block_reason(&app.reader, &digest).await?,
    };
    match reason {
        Some(reason) => Err(Refusal::Denied(taken_down(&reason))),
        None => Ok(()),
    }
}

pub(super) fn cut(mut entries: Vec<String>, limit: u64) -> Page {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    Page { entries, more }
}
