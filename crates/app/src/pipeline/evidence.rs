//! What the rules look at in one plan's image: its manifests, its configurations and what a walk over the layers finds. The
//! bytes lie in a storage: the marketplace's, for certification, or a folder of a publisher's machine, for the lint.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use certify::{Contents, ImageEvidence, MovedTag, PlanEvidence};
use domain::ids::PlanName;
use domain::release::Release;
use futures_util::TryStreamExt as _;
use oci::{Digest, ImageConfig, Manifest, ManifestBody};
use store::blobs::Blobs;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::contents::{LayerSource, read_contents};
use crate::error::{Refused, Trouble};

/// A plan's image whose blobs are in the storage.
#[derive(Clone, Debug, Default)]
pub struct ReadImage {
    /// `host/repository` it was read from.
    pub source: String,
    /// Every declared tag that the source has.
    pub tags: BTreeMap<String, Digest>,
    /// Declared tags that it has not.
    pub missing_tags: Vec<String>,
    /// Every manifest reachable from the tags.
    pub manifests: Vec<Manifest>,
    /// What indexes list and the publisher chose not to bring.
    pub left_out: BTreeSet<Digest>,
    /// The manifest of an image that was given by itself, without tags.
    pub by_itself: Option<Digest>,
}

/// The evidence on a plan's image; `previous` are the releases of the offer.
///
/// # Errors
/// The storage fails, or does not have what was brought there.
pub async fn evidence(
    blobs: &Blobs,
    plan: &PlanName,
    read: ReadImage,
    previous: &[Release],
) -> Result<PlanEvidence, Refused> {
    let mut manifests = BTreeMap::new();
    let mut configs = BTreeMap::new();
    for manifest in read.manifests {
        if let ManifestBody::Image { config, .. } = &manifest.body
            && let Ok(parsed) =
                ImageConfig::parse(&small(blobs, &config.digest, config.size).await?)
        {
            configs.insert(manifest.digest.clone(), parsed);
        }
        manifests.insert(manifest.digest.clone(), manifest);
    }
    let newest = domain::tag::newest(read.tags.keys().map(String::as_str));
    let newest = newest.and_then(|version| read.tags.get(&version.to_string()).cloned());
    let by_itself = read.by_itself.is_some();
    let root = read.by_itself.or(newest);
    let mut images = match root.as_ref().and_then(|root| manifests.get(root)) {
        Some(root) => images(blobs, root, &manifests, &configs).await?,
        None => Vec::new(),
    };
    if by_itself {
        // An archive holds layers as they are on a disk, not as a registry sends them.
        images
            .iter_mut()
            .for_each(|image| image.compressed_bytes = 0);
    }
    Ok(PlanEvidence {
        plan: plan.clone(),
        moved_tags: moved(plan, &read.tags, previous),
        source: read.source,
        tags: read.tags,
        missing_tags: read.missing_tags,
        root,
        manifests,
        configs,
        images,
        left_out: read.left_out,
        by_itself,
    })
}

/// Versions that were published with another image.
fn moved(plan: &PlanName, tags: &BTreeMap<String, Digest>, previous: &[Release]) -> Vec<MovedTag> {
    let own = previous.iter().filter(|release| &release.plan == plan);
    let moved = own.filter_map(|release| {
        let tag = release.version.to_string();
        let found = tags.get(&tag)?.clone();
        (found != release.digest).then(|| MovedTag {
            tag,
            published: release.digest.clone(),
            found,
        })
    });
    moved.collect()
}

async fn images(
    blobs: &Blobs,
    root: &Manifest,
    manifests: &BTreeMap<Digest, Manifest>,
    configs: &BTreeMap<Digest, ImageConfig>,
) -> Result<Vec<ImageEvidence>, Refused> {
    let mut found = Vec::new();
    for (platform, image) in oci::images_of(root, manifests, configs) {
        let Some(config) = configs.get(&image.digest) else {
            continue;
        };
        found.push(ImageEvidence {
            digest: image.digest.clone(),
            platform,
            compressed_bytes: image.blobs().map(|blob| blob.size).sum(),
            layers: u32::try_from(image.layers().len()).unwrap_or(u32::MAX),
            contents: contents(blobs, image, config).await?,
            scan: None,
        });
    }
    Ok(found)
}

/// What is inside an image whose blobs are in the storage.
pub(super) async fn contents_of(
    blobs: &Blobs,
    image: &Manifest,
) -> Result<Result<Contents, String>, Refused> {
    let ManifestBody::Image { config, .. } = &image.body else {
        return Ok(Err("it is no image of one platform".to_owned()));
    };
    match ImageConfig::parse(&small(blobs, &config.digest, config.size).await?) {
        Ok(config) => contents(blobs, image, &config).await,
        Err(problem) => Ok(Err(problem.to_string())),
    }
}

async fn contents(
    blobs: &Blobs,
    image: &Manifest,
    config: &ImageConfig,
) -> Result<Result<Contents, String>, Refused> {
    let mut sources = Vec::new();
    for layer in image.layers() {
        if oci::media_type::is_nondistributable(&layer.media_type) {
            continue;
        }
        sources.push(LayerSource {
            media_type: layer.media_type.clone(),
            bytes: layer_bytes(blobs, &layer.digest).await?,
        });
    }
    let config = config.clone();
    tokio::task::spawn_blocking(move || read_contents(&config, sources))
        .await
        .map_err(|e| Refused::trouble(format!("reading layers: {e}")))
}

fn storage(problem: impl std::fmt::Display) -> Refused {
    Refused::Failed(Trouble::Storage(problem.to_string()))
}

/// A layer for a blocking reader. It is read by a thread of its own, never by the async ones.
async fn layer_bytes(blobs: &Blobs, digest: &Digest) -> Result<Box<dyn Read + Send>, Refused> {
    let opened = blobs.open(digest, None).await.map_err(storage)?;
    let (_, stream) = opened.ok_or_else(|| storage(format!("layer {digest} is gone")))?;
    let stream = stream.map_err(std::io::Error::other);
    Ok(Box::new(SyncIoBridge::new(StreamReader::new(stream))))
}

/// A whole small blob, such as a configuration.
async fn small(blobs: &Blobs, digest: &Digest, size: u64) -> Result<Vec<u8>, Refused> {
    if size > oci::CONFIG_BYTES_MAX as u64 {
        return Ok(Vec::new());
    }
    blobs.read(digest).await.map_err(storage)
}
