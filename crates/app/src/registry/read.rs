//! What a caller finds in the registry: one manifest, one blob, tags and repositories. Visibility is decided here; bytes
//! are fetched by whoever serves them.

use std::collections::BTreeSet;

use domain::ids::PublisherId;
use domain::role::{PublisherAction, TokenScope};
use oci::{Digest, ErrorCode, Reference, RepositoryName};

use super::access::{Ask, Target};
use super::authorize::{allow_read, unknown};
use super::caller::Caller;
use super::place::INCOMING;
use super::refusal::Refusal;
use crate::App;

/// Entries of one page of tags or repositories when the client names no number, and the most it gets when it does.
pub const PAGE_ENTRIES_MAX: u64 = 1_000;

/// A manifest that this caller may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManifest {
    /// What the tag or digest stands for.
    pub digest: Digest,
    /// Whether anyone may have it, and keep it in a shared cache.
    pub public: bool,
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
    match digest {
        Some(digest) => Ok(FoundManifest {
            digest,
            public: target == Target::Public,
        }),
        None => Err(Refusal::NotFound(unknown(
            ErrorCode::ManifestUnknown,
            repository,
            reference.as_str(),
        ))),
    }
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
    allow_read(
        app,
        caller,
        (Ask::Addressed, repository),
        target,
        Some(digest),
        missing(),
    )
    .await?;
    let size = membership
        .map(|membership| membership.size)
        .ok_or_else(|| Refusal::NotFound(missing()))?;
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
    let entries = store::registry::tags(&app.reader, name, last, limit + 1).await?;
    Ok(cut(entries, limit))
}

fn cut(mut entries: Vec<String>, limit: u64) -> Page {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    Page { entries, more }
}

/// One page of the repositories this caller may see: every public one, and those of the caller's publishers.
pub async fn catalog(
    app: &App,
    caller: &Caller,
    n: Option<u64>,
    last: Option<&str>,
) -> Result<Page, Refusal> {
    let limit = n.unwrap_or(PAGE_ENTRIES_MAX).min(PAGE_ENTRIES_MAX);
    if limit == 0 {
        return Ok(Page {
            entries: Vec::new(),
            more: false,
        });
    }
    let wanted = limit + 1;
    let public = store::registry::repositories(&app.reader, last, wanted, true).await?;
    let mut names: BTreeSet<String> = public.into_iter().collect();
    for publisher in publishers_of(app, caller).await? {
        for prefix in [format!("{INCOMING}/{publisher}/"), format!("{publisher}/")] {
            // Names are sorted bytewise, so those with a prefix stand together, right after the prefix itself.
            let after = last
                .filter(|last| *last > prefix.as_str())
                .unwrap_or(&prefix);
            let own =
                store::registry::repositories(&app.reader, Some(after), wanted, false).await?;
            names.extend(own.into_iter().take_while(|name| name.starts_with(&prefix)));
        }
    }
    Ok(cut(names.into_iter().collect(), limit))
}

async fn publishers_of(app: &App, caller: &Caller) -> Result<Vec<PublisherId>, Refusal> {
    match caller {
        Caller::Account(account)
            if caller.has_scope(TokenScope::Read) || caller.has_scope(TokenScope::Push) =>
        {
            Ok(account.publishers.keys().cloned().collect())
        }
        Caller::Token(claims) if claims.access.contains(&oci::AccessEntry::catalog()) => {
            let Some(id) = caller.account_id() else {
                return Ok(Vec::new());
            };
            let members = store::members::of_account(&app.reader, id).await?;
            let editors = members
                .into_iter()
                .filter(|member| member.role.may(PublisherAction::Edit));
            Ok(editors.map(|member| member.publisher).collect())
        }
        _ => Ok(Vec::new()),
    }
}
