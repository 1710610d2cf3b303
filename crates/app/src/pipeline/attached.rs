//! What is attached to an image that a publisher pushed into `incoming/…`: manifests that name it as their subject, whether
//! a fallback tag lists them or not, and cosign's tags. What is not whole there is left out and told.

use std::collections::{BTreeSet, VecDeque};

use oci::{Digest, Manifest};
use store::registry::{ReferrersOf, StoredManifest};

use super::import::digests;
use crate::App;
use crate::upstream::Attached;
use crate::upstream::attached::{ATTACHED_MAX, COSIGN_SUFFIXES, digest_tag};

/// Manifests read at a time.
const READ_AT_ONCE: u64 = 32;

/// Everything attached to `images` in the repository `from`.
pub(super) async fn attached(
    app: &App,
    from: &str,
    images: &[Manifest],
) -> Result<Attached, store::Error> {
    let mut found = Attached::default();
    let mut known: BTreeSet<Digest> = digests(images).into_iter().collect();
    let mut waiting: VecDeque<Digest> = known.iter().cloned().collect();
    while let Some(subject) = waiting.pop_front() {
        let mut candidates = referring(app, from, &subject).await?;
        for suffix in COSIGN_SUFFIXES {
            let Some(tag) = digest_tag(&subject, suffix) else {
                continue;
            };
            let named = store::registry::tag(&app.reader, from, tag.as_str()).await?;
            let Some(digest) = named else { continue };
            if let Some(stored) = store::registry::manifest(&app.reader, &digest).await? {
                found.tags.insert(tag.to_string(), digest);
                candidates.push(stored);
            }
        }
        for stored in candidates {
            if known.contains(&stored.digest) {
                continue;
            }
            match whole(app, from, &stored, found.manifests.len()).await? {
                Ok(manifest) => {
                    known.insert(stored.digest.clone());
                    waiting.push_back(stored.digest.clone());
                    found.total_bytes += stored.bytes.len() as u64;
                    found.blobs.extend(manifest.blobs().cloned());
                    found.manifests.push(manifest);
                }
                Err(why) => found
                    .left_out
                    .push(format!("{}: {why}", stored.digest.short())),
            }
        }
    }
    found.tags.retain(|_, digest| known.contains(digest));
    Ok(found)
}

/// Manifests of the repository that name `subject`.
async fn referring(
    app: &App,
    from: &str,
    subject: &Digest,
) -> Result<Vec<StoredManifest>, store::Error> {
    let mut found: Vec<StoredManifest> = Vec::new();
    let asked = ReferrersOf {
        repo: from,
        subject,
        public: false,
        artifact_type: None,
    };
    loop {
        let after = found.last().map(|last| last.digest.clone());
        let page =
            store::registry::referrers(&app.reader, asked, after.as_ref(), READ_AT_ONCE).await?;
        let ended = page.is_empty();
        found.extend(page);
        if ended || found.len() > ATTACHED_MAX {
            return Ok(found);
        }
    }
}

/// The manifest, when the repository holds every blob of it; else why it is left out.
async fn whole(
    app: &App,
    from: &str,
    stored: &StoredManifest,
    taken: usize,
) -> Result<Result<Manifest, String>, store::Error> {
    if taken == ATTACHED_MAX {
        let why = format!("more than {ATTACHED_MAX} things are attached to this image");
        return Ok(Err(why));
    }
    let manifest = match Manifest::parse(Some(&stored.media_type), &stored.bytes) {
        Ok(manifest) if manifest.children().is_empty() => manifest,
        Ok(_) => return Ok(Err("an index cannot be attached".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    for blob in manifest.blobs() {
        let held = store::registry::has_blob(&app.reader, from, &blob.digest).await?;
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        if held.is_none_or(|held| held.size != size) {
            return Ok(Err(format!("its blob {} is not there", blob.digest)));
        }
    }
    Ok(Ok(manifest))
}
