//! What is attached to an image that a publisher pushed into `incoming/…`: manifests that name it as their subject, whether
//! a fallback tag lists them or not, and cosign's tags. What is not whole there is left out and told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use oci::{Digest, Manifest};
use store::registry::{ReferrersOf, StoredManifest};

use super::import::{blobs_of, digests};
use crate::App;
use crate::upstream::Attached;
use crate::upstream::attached::{ATTACHED_MAX, COSIGN_SUFFIXES, FULL, digest_tag, too_large};
use crate::upstream::copy::MANIFESTS_BYTES_MAX;

/// What was found, and what of the bounds is used up.
struct Search<'a> {
    app: &'a App,
    /// The repository.
    from: &'a str,
    known: BTreeSet<Digest>,
    manifest_bytes: u64,
    /// Of the image and of what is attached.
    blobs: BTreeMap<Digest, u64>,
    found: Attached,
}

/// Everything attached to `images` in the repository `from`.
pub(super) async fn attached(
    app: &App,
    from: &str,
    images: &[Manifest],
) -> Result<Attached, store::Error> {
    let blobs = blobs_of(images).into_values();
    let mut search = Search {
        app,
        from,
        known: digests(images).into_iter().collect(),
        manifest_bytes: images.iter().map(|image| image.bytes.len() as u64).sum(),
        blobs: blobs.map(|blob| (blob.digest, blob.size)).collect(),
        found: Attached::default(),
    };
    let mut waiting: VecDeque<Digest> = search.known.iter().cloned().collect();
    while let Some(subject) = waiting.pop_front() {
        for digest in search.candidates(&subject).await? {
            if search.known.contains(&digest) {
                continue;
            }
            if search.found.is_full() {
                search.found.leave_out(&digest.short(), &FULL);
                break;
            }
            // One at a time: all of them together may be more than the memory holds.
            let Some(stored) = store::registry::manifest(&app.reader, &digest).await? else {
                continue;
            };
            match search.whole(&stored).await? {
                Ok(manifest) => {
                    waiting.push_back(digest);
                    search.take(manifest);
                }
                Err(why) => search.found.leave_out(&digest.short(), &why),
            }
        }
    }
    let Search {
        mut found, known, ..
    } = search;
    found.tags.retain(|_, digest| known.contains(digest));
    Ok(found)
}

impl Search<'_> {
    /// What the repository says is attached to `subject`.
    async fn candidates(&mut self, subject: &Digest) -> Result<Vec<Digest>, store::Error> {
        let asked = ReferrersOf {
            repo: self.from,
            subject,
            public: false,
            artifact_type: None,
        };
        let reader = &self.app.reader;
        let some = ATTACHED_MAX as u64 + 1;
        let mut found = store::registry::referrer_digests(reader, asked, None, some).await?;
        let tags = COSIGN_SUFFIXES.iter();
        for tag in tags.filter_map(|suffix| digest_tag(subject, suffix)) {
            let named = store::registry::tag(reader, self.from, tag.as_str()).await?;
            if let Some(digest) = named {
                self.found.tags.insert(tag.to_string(), digest.clone());
                found.push(digest);
            }
        }
        Ok(found)
    }

    /// The manifest, when it fits and the repository holds every blob of it; else why it is left out.
    async fn whole(
        &self,
        stored: &StoredManifest,
    ) -> Result<Result<Manifest, String>, store::Error> {
        let manifest = match Manifest::parse(Some(&stored.media_type), &stored.bytes) {
            Ok(manifest) if manifest.children().is_empty() => manifest,
            Ok(_) => return Ok(Err("an index cannot be attached".to_owned())),
            Err(error) => return Ok(Err(error.to_string())),
        };
        if self.manifest_bytes + manifest.bytes.len() as u64 > MANIFESTS_BYTES_MAX {
            return Ok(Err(too_large()));
        }
        let new = manifest.blobs();
        let new = new.filter(|blob| !self.blobs.contains_key(&blob.digest));
        let bytes: u64 = self.blobs.values().sum();
        let bytes = new.fold(bytes, |sum, blob| sum.saturating_add(blob.size));
        let max = self.app.settings.limits.image_bytes_max;
        if bytes > max {
            return Ok(Err(format!(
                "with it the image would have more than the {max} bytes allowed"
            )));
        }
        for blob in manifest.blobs() {
            let held = store::registry::has_blob(&self.app.reader, self.from, &blob.digest).await?;
            let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
            if held.is_none_or(|held| held.size != size) {
                return Ok(Err(format!("its blob {} is not there", blob.digest)));
            }
        }
        Ok(Ok(manifest))
    }

    fn take(&mut self, manifest: Manifest) {
        let bytes = manifest.bytes.len() as u64;
        self.known.insert(manifest.digest.clone());
        self.manifest_bytes += bytes;
        self.found.total_bytes += bytes;
        for blob in manifest.blobs() {
            self.blobs.insert(blob.digest.clone(), blob.size);
            self.found.blobs.push(blob.clone());
        }
        self.found.manifests.push(manifest);
    }
}
