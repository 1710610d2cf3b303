//! What is attached to the images of a copy: signatures, bills of materials, attestations, and what is attached to those.
//! Found by the referrers API, by its fallback tag, and under the tags that cosign makes of a digest.
//!
//! An image is worth importing without them, so what is broken, too large or too much is left out and told. Only trouble
//! that passes is an error: a signature must not be lost because a registry was busy.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use oci::{Descriptor, Digest, Manifest, ManifestKind, Reference, Tag};

use super::copy::MANIFESTS_BYTES_MAX;
use super::{CopyLimits, CopyPlan, Registry, UpstreamError};

/// Manifests attached to one plan's images.
pub const ATTACHED_MAX: usize = 256;
/// Listed manifests that are asked for; of a list that goes on with what cannot be taken, no more are.
const ASKED_MAX: usize = 2 * ATTACHED_MAX;
/// A signature of an attestation of an image is as far as it goes.
const DEPTH_MAX: usize = 2;
/// Things left out that are named; more are not.
const LEFT_OUT_MAX: usize = 20;
/// Characters of a digest in the tag of its referrers.
const LISTED_HEX_MAX: usize = 64;
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

/// Why no more is taken.
pub(crate) const FULL: &str = "more is attached to this image than is looked through and taken";

/// Why a manifest is left out that is large itself.
pub(crate) fn too_large() -> String {
    format!("with it the manifests would have more than the {MANIFESTS_BYTES_MAX} bytes allowed")
}

impl Attached {
    /// Whether there may be no more.
    pub(crate) fn is_full(&self) -> bool {
        self.manifests.len() >= ATTACHED_MAX
    }

    pub(crate) fn leave_out(&mut self, what: &str, why: &dyn std::fmt::Display) {
        if self.left_out.len() < LEFT_OUT_MAX {
            self.left_out.push(format!("{what}: {why}"));
        }
    }
}

/// The tag under which clients keep what belongs to a digest when a registry has no place of its own for it; `suffix` is
/// empty for the list of referrers, whose tag has at most 64 characters of the digest (distribution-spec "Referrers Tag
/// Schema"). None where that would be too long for a tag.
pub fn digest_tag(digest: &Digest, suffix: &str) -> Option<Tag> {
    let hex = match suffix {
        "" => &digest.hex()[..LISTED_HEX_MAX.min(digest.hex().len())],
        _ => digest.hex(),
    };
    format!("{}-{hex}{suffix}", digest.algorithm()).parse().ok()
}

struct Search<'a> {
    registry: &'a Registry,
    limits: &'a CopyLimits,
    known: HashSet<Digest>,
    sizes: HashMap<Digest, u64>,
    image_bytes: u64,
    waiting: VecDeque<(Digest, usize)>,
    manifest_bytes: u64,
    asked: usize,
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
        manifest_bytes: plan.manifests.iter().map(|m| m.bytes.len() as u64).sum(),
        asked: 0,
        found: Attached::default(),
    };
    while let Some((subject, depth)) = search.waiting.pop_front() {
        if search.found.is_full() {
            search.found.leave_out("more", &FULL);
            break;
        }
        search.referrers(&subject, depth).await?;
        for suffix in COSIGN_SUFFIXES {
            search.cosign(&subject, suffix, depth).await?;
        }
    }
    Ok(search.found)
}

impl Search<'_> {
    async fn referrers(&mut self, subject: &Digest, depth: usize) -> Result<(), UpstreamError> {
        // What is known already may stand before what is new.
        let max = ASKED_MAX.saturating_sub(self.asked) + self.known.len();
        let listed = match self.registry.referrers(subject, max).await {
            Ok(listed) => listed,
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => {
                let what = format!("referrers of {}", subject.short());
                self.found.leave_out(&what, &error);
                return Ok(());
            }
        };
        for digest in listed {
            if self.known.contains(&digest) {
                continue;
            }
            let what = format!("referrer {}", digest.short());
            if self.asked == ASKED_MAX || self.found.is_full() {
                self.found.leave_out(&what, &FULL);
                return Ok(());
            }
            self.asked += 1;
            let reference = Reference::Digest(digest);
            match self.registry.manifest(&reference).await {
                Ok(manifest) if manifest.subject().map(|s| &s.digest) == Some(subject) => {
                    self.take(&what, manifest, depth);
                }
                Ok(_) => {
                    let why = format!("it does not name {subject} itself");
                    self.found.leave_out(&what, &why);
                }
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => self.found.leave_out(&what, &error),
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
                self.found.leave_out(&format!("tag {name}"), &error);
                Ok(())
            }
        }
    }

    /// Adds a manifest with its blobs, if all of it fits. Tells whether it did.
    fn take(&mut self, what: &str, manifest: Manifest, depth: usize) -> bool {
        match self.misfit(&manifest) {
            Some(why) => {
                self.found.leave_out(what, &why);
                return false;
            }
            None => {
                self.found.total_bytes += manifest.bytes.len() as u64;
                self.manifest_bytes += manifest.bytes.len() as u64;
            }
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
        if self.found.is_full() {
            return Some(FULL.to_owned());
        }
        let mut bytes = manifest.bytes.len() as u64;
        if self.manifest_bytes + bytes > MANIFESTS_BYTES_MAX {
            return Some(too_large());
        }
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
}

#[cfg(test)]
mod tests {
    use oci::{Digest, DigestAlgorithm};

    use super::{COSIGN_SUFFIXES, digest_tag};

    #[test]
    fn the_tag_of_referrers_has_no_more_than_64_characters_of_the_digest() {
        let (short, long) = (
            Digest::sha256_of(b"image"),
            Digest::of(DigestAlgorithm::Sha512, b"image"),
        );
        let tag = |digest: &Digest, suffix| digest_tag(digest, suffix).map(|tag| tag.to_string());
        assert_eq!(tag(&short, ""), Some(format!("sha256-{}", short.hex())));
        assert_eq!(
            tag(&long, ""),
            Some(format!("sha512-{}", &long.hex()[..64]))
        );
        let [sig, ..] = COSIGN_SUFFIXES;
        assert_eq!(
            tag(&short, sig),
            Some(format!("sha256-{}.sig", short.hex()))
        );
        assert_eq!(tag(&long, sig), None, "no registry takes a tag so long");
    }
}
