//! What is attached to the images of a copy: signatures, bills of materials, attestations, and what is attached to those.
//! Found by the referrers API, by its fallback tag, and under the tags that cosign makes of a digest.
//!
//! An image is worth importing without them, so what is broken, too large or too much is left out and told. Only trouble
//! that passes is an error: a signature must not be lost because a registry was busy.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use oci::{Descriptor, Digest, Manifest, ManifestKind, Reference, Tag};

use super::{CopyLimits, CopyPlan, Registry, UpstreamError};

/// Manifests attached to one plan's images.
pub const ATTACHED_MAX: usize = 256;
/// A signature of an attestation of an image is as far as it goes.
const DEPTH_MAX: usize = 2;
/// Things left out that are named; more are not.
const LEFT_OUT_MAX: usize = 20;
/// What cosign appends to a digest's tag.
pub const COSIGN_SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// See [`find_attached`].
#[derive(Clone, Debug, Default)]
pub struct Attached {
    /// Each once; what something is attached to stands before it.
    pub manifests: Vec<Manifest>,
    /// Blobs that they need and the images do not.
    pub blobs: Vec<Descriptor>,
    /// Cosign's tags, and the manifests they name.
    pub tags: BTreeMap<String, Digest>,
    /// Bytes of all these.
    pub total_bytes: u64,
    /// What was not taken, and why.
    pub left_out: Vec<String>,
}

/// The tag under which clients keep what belongs to a digest when a registry has no place of its own for it; `suffix` is
/// empty for the list of referrers (distribution-spec "Referrers Tag Schema").
pub fn digest_tag(digest: &Digest, suffix: &str) -> Option<Tag> {
    let text = format!("{}-{}{suffix}", digest.algorithm(), digest.hex());
    text.parse().ok()
}

struct Search<'a> {
    registry: &'a Registry,
    limits: &'a CopyLimits,
    known: HashSet<Digest>,
    sizes: HashMap<Digest, u64>,
    image_bytes: u64,
    waiting: VecDeque<(Digest, usize)>,
    found: Attached,
}

/// Finds everything attached to the manifests of a plan, within the limits that hold for the plan.
///
/// # Errors
/// [`UpstreamError`] that may pass, and no other.
pub async fn find_attached(
    registry: &Registry,
    plan: &CopyPlan,
    limits: &CopyLimits,
) -> Result<Attached, UpstreamError> {
    let manifests = plan.manifests.iter().map(|found| found.digest.clone());
    let blobs = plan.blobs.iter();
    let mut search = Search {
        registry,
        limits,
        known: manifests.clone().collect(),
        sizes: blobs.map(|blob| (blob.digest.clone(), blob.size)).collect(),
        image_bytes: plan.total_bytes,
        waiting: manifests.map(|digest| (digest, 0)).collect(),
        found: Attached::default(),
    };
    while let Some((subject, depth)) = search.waiting.pop_front() {
        search.referrers(&subject, depth).await?;
        for suffix in COSIGN_SUFFIXES {
            search.cosign(&subject, suffix, depth).await?;
        }
    }
    Ok(search.found)
}

impl Search<'_> {
    async fn referrers(&mut self, subject: &Digest, depth: usize) -> Result<(), UpstreamError> {
        let listed = match self.registry.referrers(subject).await {
            Ok(listed) => listed,
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => {
                self.leave_out(&format!("referrers of {}", subject.short()), &error);
                return Ok(());
            }
        };
        for entry in listed {
            if self.known.contains(&entry.digest) {
                continue;
            }
            let what = format!("referrer {}", entry.digest.short());
            let reference = Reference::Digest(entry.digest.clone());
            match self.registry.manifest(&reference).await {
                Ok(manifest) if manifest.subject().map(|s| &s.digest) == Some(subject) => {
                    self.take(&what, manifest, depth);
                }
                Ok(_) => self.leave_out(&what, &format!("it does not name {subject} itself")),
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => self.leave_out(&what, &error),
            }
        }
        Ok(())
    }

    async fn cosign(
        &mut self,
        subject: &Digest,
        suffix: &str,
        depth: usize,
    ) -> Result<(), UpstreamError> {
        let Some(tag) = digest_tag(subject, suffix) else {
            return Ok(());
        };
        let name = tag.to_string();
        match self.registry.manifest(&Reference::Tag(tag)).await {
            Ok(manifest) => {
                let digest = manifest.digest.clone();
                let here = self.known.contains(&digest);
                if here || self.take(&format!("tag {name}"), manifest, depth) {
                    self.found.tags.insert(name, digest);
                }
                Ok(())
            }
            Err(UpstreamError::NotFound { .. } | UpstreamError::NoRepository { .. }) => Ok(()),
            Err(error) if error.may_pass() => Err(error),
            Err(error) => {
                self.leave_out(&format!("tag {name}"), &error);
                Ok(())
            }
        }
    }

    /// Adds a manifest with its blobs, if all of it fits. Tells whether it did.
    fn take(&mut self, what: &str, manifest: Manifest, depth: usize) -> bool {
        match self.misfit(&manifest) {
            Some(why) => {
                self.leave_out(what, &why);
                return false;
            }
            None => self.found.total_bytes += manifest.bytes.len() as u64,
        }
        for blob in manifest.blobs() {
            if self.sizes.insert(blob.digest.clone(), blob.size).is_none() {
                self.found.total_bytes += blob.size;
                self.found.blobs.push(blob.clone());
            }
        }
        if depth + 1 < DEPTH_MAX {
            self.waiting.push_back((manifest.digest.clone(), depth + 1));
        }
        self.known.insert(manifest.digest.clone());
        self.found.manifests.push(manifest);
        true
    }

    fn misfit(&self, manifest: &Manifest) -> Option<String> {
        if manifest.kind() != ManifestKind::Image {
            return Some("an index cannot be attached".to_owned());
        }
        if self.found.manifests.len() == ATTACHED_MAX {
            return Some(format!(
                "more than {ATTACHED_MAX} things are attached to this image"
            ));
        }
        let mut bytes = manifest.bytes.len() as u64;
        for blob in manifest.blobs() {
            match self.sizes.get(&blob.digest) {
                Some(known) if *known != blob.size => {
                    return Some(format!("it states another size for {}", blob.digest));
                }
                Some(_) => {}
                None if blob.size > self.limits.blob_bytes_max => {
                    let max = self.limits.blob_bytes_max;
                    return Some(format!("{} bytes in one blob, {max} allowed", blob.size));
                }
                None => bytes = bytes.saturating_add(blob.size),
            }
        }
        let total = self.image_bytes + self.found.total_bytes;
        let max = self.limits.image_bytes_max;
        (total.saturating_add(bytes) > max)
            .then(|| format!("with it the image would have more than the {max} bytes allowed"))
    }

    fn leave_out(&mut self, what: &str, why: &dyn std::fmt::Display) {
        if self.found.left_out.len() < LEFT_OUT_MAX {
            self.found.left_out.push(format!("{what}: {why}"));
        }
    }
}
