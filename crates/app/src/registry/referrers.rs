//! The manifests that refer to another one: signatures, bills of materials, attestations; in pages, since anybody who may
//! push may add as many as they like, with annotations as long as they like.

use std::collections::BTreeMap;

use oci::{Descriptor, Digest, Manifest, Reference, RepositoryName};
use store::registry::{ReferrersOf, StoredManifest};

use super::access::sees_hidden;
use super::authorize::role_in;
use super::caller::Caller;
use super::read::find_manifest;
use super::refusal::Refusal;
use crate::App;
use crate::upstream::attached::digest_tag;

/// Referrers on one page.
pub const REFERRERS_MAX: usize = 500;
/// Bytes of their artifact types and annotations on one page; the first entry always fits.
const REFERRERS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of manifests that are read for one page.
const MANIFESTS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Manifests read at a time; each may have four mebibytes.
const READ_AT_ONCE: u64 = 8;

/// One page, in order of digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Referrers {
    /// What refers to it.
    pub entries: Vec<Descriptor>,
    /// After which digest the next page begins, when there is one.
    pub next: Option<Digest>,
}

/// What is asked of the list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferrersQuery<'a> {
    /// Only referrers of this type.
    pub artifact_type: Option<&'a str>,
    /// Only what comes after this digest.
    pub last: Option<&'a Digest>,
}

/// The manifests that refer to `subject`, as far as this caller may see them. A repository or subject that is unknown
/// has none, which is no error (distribution-spec end-12a).
pub async fn referrers(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    subject: &Digest,
    query: ReferrersQuery<'_>,
) -> Result<Referrers, Refusal> {
    let wanted = |descriptor: &Descriptor| {
        query.last.is_none_or(|last| descriptor.digest > *last)
            && query
                .artifact_type
                .is_none_or(|asked| descriptor.artifact_type.as_deref() == Some(asked))
    };
    let mut found = BTreeMap::new();
    for entry in fallback(app, caller, repository, subject).await? {
        if wanted(&entry) {
            found.insert(entry.digest.clone(), entry);
        }
    }
    let mut more = stated(app, caller, repository, subject, query, wanted, &mut found).await?;
    let mut page = Referrers::default();
    let mut bytes = 0;
    for (digest, entry) in found {
        bytes += length(&entry);
        let full = page.entries.len() == REFERRERS_MAX || bytes > REFERRERS_BYTES_MAX;
        if full && !page.entries.is_empty() {
            more = true;
            break;
        }
        page.next = Some(digest);
        page.entries.push(entry);
    }
    page.next = page.next.filter(|_| more);
    Ok(page)
}

/// Those that state their subject themselves. Reads until a page is full; answers whether more may follow.
async fn stated(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    subject: &Digest,
    query: ReferrersQuery<'_>,
    wanted: impl Fn(&Descriptor) -> bool,
    found: &mut BTreeMap<Digest, Descriptor>,
) -> Result<bool, Refusal> {
    let insider = sees_hidden(repository, caller, role_in(app, caller, repository).await?);
    let asked = ReferrersOf {
        repo: repository.as_str(),
        subject,
        public: !insider,
        artifact_type: query.artifact_type,
    };
    let mut after = query.last.cloned();
    let (mut entries, mut bytes, mut bytes_read) = (0, 0, 0);
    loop {
        let read =
            store::registry::referrers(&app.reader, asked, after.as_ref(), READ_AT_ONCE).await?;
        for stored in &read {
            bytes_read += stored.bytes.len();
            let entry = describe(stored)?;
            if wanted(&entry) {
                entries += 1;
                bytes += length(&entry);
                found.insert(entry.digest.clone(), entry);
            }
        }
        let Some(last) = read.into_iter().next_back() else {
            return Ok(false);
        };
        if entries >= REFERRERS_MAX
            || bytes > REFERRERS_BYTES_MAX
            || bytes_read > MANIFESTS_BYTES_MAX
        {
            // What the fallback tag lists beyond this point waits for the next page.
            found.retain(|digest, _| *digest <= last.digest);
            return Ok(true);
        }
        after = Some(last.digest);
    }
}

fn describe(stored: &StoredManifest) -> Result<Descriptor, Refusal> {
    let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
        .map_err(|error| Refusal::storage(format!("manifest {}: {error}", stored.digest)))?;
    let size = u64::try_from(manifest.bytes.len()).unwrap_or(u64::MAX);
    Ok(Descriptor {
        annotations: manifest.annotations().clone(),
        artifact_type: manifest.artifact_type().map(ToOwned::to_owned),
        ..Descriptor::new(manifest.media_type.clone(), stored.digest.clone(), size)
    })
}

fn length(entry: &Descriptor) -> usize {
    let annotations = entry.annotations.iter();
    let annotations: usize = annotations.map(|(key, text)| key.len() + text.len()).sum();
    annotations + entry.artifact_type.as_ref().map_or(0, String::len)
}

/// Clients of registries without a referrers list keep one under a tag; what they wrote is listed as well, as far as it is
/// there.
async fn fallback(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
    subject: &Digest,
) -> Result<Vec<Descriptor>, Refusal> {
    let Some(tag) = digest_tag(subject, "") else {
        return Ok(Vec::new());
    };
    let found = match find_manifest(app, caller, repository, &Reference::Tag(tag)).await {
        Ok(found) => found,
        Err(Refusal::Failed(trouble)) => return Err(Refusal::Failed(trouble)),
        Err(_) => return Ok(Vec::new()),
    };
    let Some(stored) = store::registry::manifest(&app.reader, &found.digest).await? else {
        return Ok(Vec::new());
    };
    let Ok(index) = Manifest::parse(Some(&stored.media_type), &stored.bytes) else {
        return Ok(Vec::new());
    };
    let mut listed = Vec::new();
    for child in index.children() {
        let membership =
            store::registry::has_manifest(&app.reader, repository.as_str(), &child.digest).await?;
        if membership.is_some_and(|membership| membership.public || !found.public) {
            listed.push(child.clone());
        }
    }
    Ok(listed)
}
