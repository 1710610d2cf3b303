//! What a copy of some tags consists of: every manifest they reach, every blob those name, and how much it is.
//!
//! Planning reads manifests only. Fetching the blobs, verifying and linking them is the import job's part.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use oci::{Descriptor, Digest, Manifest, ManifestKind, Reference, Tag};

use super::{Choice, Registry, UpstreamError};

/// Indexes within indexes.
pub const DEPTH_MAX: usize = 3;
/// Layers of one image; overlay file systems end near there.
pub const LAYERS_MAX: usize = 127;
/// Tags of one plan.
pub const TAGS_MAX: usize = 100;

/// All manifests of one plan together: they are held in memory.
pub const MANIFESTS_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Bounds on one plan's image that an operator may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyLimits {
    /// All manifests and blobs together, each once.
    pub image_bytes_max: u64,
    /// One blob.
    pub blob_bytes_max: u64,
    /// Manifests reached, indexes included.
    pub manifests_max: usize,
    /// One manifest.
    pub manifest_bytes_max: u64,
    /// What one manifest lists.
    pub manifest_entries_max: usize,
    /// Layers of one image, at most [`LAYERS_MAX`].
    pub layers_max: usize,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self {
            image_bytes_max: 40 * 1024 * 1024 * 1024,
            blob_bytes_max: 10 * 1024 * 1024 * 1024,
            manifests_max: 64,
            manifest_bytes_max: oci::MANIFEST_BYTES_MAX as u64,
            manifest_entries_max: oci::DESCRIPTORS_MAX,
            layers_max: LAYERS_MAX,
        }
    }
}

/// See [`plan_copy`].
#[derive(Clone, Debug)]
pub struct CopyPlan {
    /// What each tag pointed at when it was asked.
    pub tags: BTreeMap<String, Digest>,
    /// Tags the repository does not have, in the order asked.
    pub missing: Vec<String>,
    /// Every manifest reached, each once, children before the indexes that list them.
    pub manifests: Vec<Manifest>,
    /// Every blob to fetch, each once, in order of appearance. Layers their maker does not let others distribute are
    /// left out, and the addresses they name are never contacted: rule IMG-26 refuses such an image.
    pub blobs: Vec<Descriptor>,
    /// Bytes of all manifests and blobs.
    pub total_bytes: u64,
    /// What indexes list and the publisher did not choose, with the platform it is for.
    pub left_out: BTreeMap<Digest, String>,
}

impl CopyPlan {
    /// The manifest with this digest, if it is part of the plan.
    pub fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        self.manifests.iter().find(|found| found.digest == *digest)
    }
}

/// A manifest still to be looked at.
struct Pending {
    manifest: Manifest,
    depth: usize,
}

struct Walk<'a> {
    registry: &'a Registry,
    limits: &'a CopyLimits,
    choice: &'a Choice,
    plan: CopyPlan,
    seen: HashSet<Digest>,
    sizes: HashMap<Digest, u64>,
    queue: VecDeque<Pending>,
    manifest_bytes: u64,
}

/// Resolves `tags` and walks what they reach and `choice` takes along.
///
/// # Errors
/// [`UpstreamError`]: a tag that is not there is no error but in [`CopyPlan::missing`]; a child that is not there,
/// a broken manifest or a bound passed is one.
pub async fn plan_copy(
    registry: &Registry,
    tags: &[impl AsRef<str>],
    limits: &CopyLimits,
    choice: &Choice,
) -> Result<CopyPlan, UpstreamError> {
    let mut walk = Walk {
        registry,
        limits,
        choice,
        plan: CopyPlan {
            tags: BTreeMap::new(),
            missing: Vec::new(),
            manifests: Vec::new(),
            blobs: Vec::new(),
            total_bytes: 0,
            left_out: BTreeMap::new(),
        },
        seen: HashSet::new(),
        sizes: HashMap::new(),
        queue: VecDeque::new(),
        manifest_bytes: 0,
    };
    walk.bound(
        "tags of one plan",
        TAGS_MAX as u64,
        tags.len() as u64,
        "name fewer tags",
    )?;
    for tag in tags {
        let tag: Tag = tag.as_ref().parse().map_err(|source| UpstreamError::Tag {
            at: registry.0.at.clone(),
            source,
        })?;
        match registry.tagged(&tag).await {
            Ok(manifest) => {
                let digest = manifest.digest.clone();
                walk.plan.tags.insert(tag.to_string(), digest);
                walk.enqueue(manifest, 0)?;
            }
            Err(UpstreamError::NotFound { .. }) => walk.plan.missing.push(tag.to_string()),
            Err(error) => return Err(error),
        }
    }
    while let Some(Pending { manifest, depth }) = walk.queue.pop_front() {
        walk.visit(manifest, depth).await?;
    }
    // What one index leaves out another may bring.
    walk.plan
        .left_out
        .retain(|digest, _| !walk.seen.contains(digest));
    let found = std::mem::take(&mut walk.plan.manifests);
    walk.plan.manifests = children_first(found);
    Ok(walk.plan)
}

fn platform_of(child: &Descriptor) -> String {
    child
        .platform
        .as_ref()
        .map_or_else(|| "an unnamed platform".to_owned(), ToString::to_string)
}

/// Orders manifests so that a registry which checks references takes them one by one. Digests allow no cycle, so
/// every pass places at least one.
fn children_first(mut waiting: Vec<Manifest>) -> Vec<Manifest> {
    let mut placed: Vec<Manifest> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let open: HashSet<Digest> = waiting.iter().map(|found| found.digest.clone()).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|manifest| {
            let mut children = manifest.children().iter();
            !children.any(|child| open.contains(&child.digest))
        });
        if ready.is_empty() {
            placed.extend(rest);
            break;
        }
        placed.extend(ready);
        waiting = rest;
    }
    placed
}

impl Walk<'_> {
    fn enqueue(&mut self, manifest: Manifest, depth: usize) -> Result<(), UpstreamError> {
        if self.seen.contains(&manifest.digest) {
            return Ok(());
        }
        let bytes = manifest.bytes.len() as u64;
        self.bound(
            "bytes of one manifest",
            self.limits.manifest_bytes_max,
            bytes,
            "leave large annotations out of the manifest",
        )?;
        self.bound(
            "entries of one manifest",
            self.limits.manifest_entries_max as u64,
            manifest.entries() as u64,
            "list less in one manifest",
        )?;
        self.size_of(&manifest.digest, bytes)?;
        self.manifest_bytes += bytes;
        self.bound(
            "bytes of all manifests",
            MANIFESTS_BYTES_MAX,
            self.manifest_bytes,
            "leave large annotations out of the manifests",
        )?;
        self.seen.insert(manifest.digest.clone());
        self.bound(
            "manifests of one image",
            self.limits.manifests_max as u64,
            self.seen.len() as u64,
            "publish fewer tags or platforms at once",
        )?;
        self.queue.push_back(Pending { manifest, depth });
        Ok(())
    }

    async fn visit(&mut self, manifest: Manifest, depth: usize) -> Result<(), UpstreamError> {
        match manifest.kind() {
            ManifestKind::Image => self.image(&manifest)?,
            ManifestKind::Index => self.index(&manifest, depth).await?,
        }
        self.plan.manifests.push(manifest);
        Ok(())
    }

    fn image(&mut self, manifest: &Manifest) -> Result<(), UpstreamError> {
        self.bound(
            "layers of one image",
            self.limits.layers_max as u64,
            manifest.layers().len() as u64,
            "build the image with fewer layers",
        )?;
        for blob in manifest.blobs() {
            if self.size_of(&blob.digest, blob.size)? {
                self.bound(
                    "bytes of one layer",
                    self.limits.blob_bytes_max,
                    blob.size,
                    "split the layer, or leave out what the module does not need",
                )?;
                self.plan.blobs.push(blob.clone());
            }
        }
        Ok(())
    }

    async fn index(&mut self, index: &Manifest, depth: usize) -> Result<(), UpstreamError> {
        self.bound(
            "indexes nested in one image",
            DEPTH_MAX as u64,
            depth as u64 + 1,
            "list the platforms in one index",
        )?;
        let left_out = self.choice.left_out(index.children());
        for child in index.children() {
            if left_out.contains_key(&child.digest) {
                continue;
            }
            if self.seen.contains(&child.digest) {
                self.size_of(&child.digest, child.size)?;
                continue;
            }
            // Checked before the child is fetched: an index may list thousands.
            self.bound(
                "manifests of one image",
                self.limits.manifests_max as u64,
                self.seen.len() as u64 + 1,
                "publish fewer tags or platforms at once",
            )?;
            let reference = Reference::Digest(child.digest.clone());
            let found = self.registry.manifest(&reference).await;
            let manifest = found.map_err(|error| match error {
                UpstreamError::NotFound { at, .. } => UpstreamError::ChildMissing {
                    at,
                    index: index.digest.clone(),
                    child: child.digest.clone(),
                    platform: platform_of(child),
                },
                other => other,
            })?;
            self.check_child(child, &manifest)?;
            self.enqueue(manifest, depth + 1)?;
        }
        self.plan.left_out.extend(left_out);
        Ok(())
    }

    fn check_child(&self, child: &Descriptor, manifest: &Manifest) -> Result<(), UpstreamError> {
        let at = &self.registry.0.at;
        let found = manifest.bytes.len() as u64;
        if found != child.size {
            return Err(UpstreamError::SizeMismatch {
                at: at.clone(),
                what: format!("manifest {}", child.digest),
                expected: child.size,
                found: found.to_string(),
            });
        }
        if manifest.media_type != child.media_type {
            return Err(UpstreamError::Protocol {
                at: at.clone(),
                what: format!("manifest {}", child.digest),
                found: format!(
                    "type `{}`, where its index says `{}`",
                    manifest.media_type,
                    crate::egress::shown(&child.media_type)
                ),
            });
        }
        Ok(())
    }

    /// Counts `digest` once; `true` when it is new. Two sizes for one digest cannot both be right.
    fn size_of(&mut self, digest: &Digest, size: u64) -> Result<bool, UpstreamError> {
        match self.sizes.insert(digest.clone(), size) {
            Some(known) if known != size => Err(UpstreamError::SizeMismatch {
                at: self.registry.0.at.clone(),
                what: digest.to_string(),
                expected: known,
                found: size.to_string(),
            }),
            Some(_) => Ok(false),
            None => {
                self.plan.total_bytes = self.plan.total_bytes.saturating_add(size);
                self.bound(
                    "bytes of one image",
                    self.limits.image_bytes_max,
                    self.plan.total_bytes,
                    "publish fewer platforms at once, or a smaller image",
                )?;
                Ok(true)
            }
        }
    }

    fn bound(
        &self,
        what: &str,
        limit: u64,
        found: u64,
        fix: &'static str,
    ) -> Result<(), UpstreamError> {
        if found <= limit {
            return Ok(());
        }
        Err(UpstreamError::Limit {
            at: self.registry.0.at.clone(),
            what: what.to_owned(),
            limit,
            found,
            fix,
        })
    }
}
