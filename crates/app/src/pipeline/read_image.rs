//! Reads a plan's image from its registry into a folder of the publisher's own machine, as the import does for the
//! marketplace, so that [`super::evidence`] finds there what it finds here. Of older versions only the configurations come.

use std::collections::{BTreeMap, BTreeSet};

use domain::offer::Plan;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Descriptor, Digest, Manifest};
use store::blobs::Blobs;

use super::evidence::ReadImage;
use super::fetch::{FetchError, take};
use crate::error::Refused;
use crate::upstream::{Choice, CopyLimits, Registry, UpstreamError, plan_copy};

/// Blobs that come at the same moment.
const BLOBS_PARALLEL_MAX: usize = 4;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The registry.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The folder.
    #[error("{0}")]
    Storage(String),
}

/// Reads what the rules look at of a plan's image. Tags that are not there are no error.
///
/// # Errors
/// The registry does not give it, or the folder does not take it.
pub async fn read_image(
    registry: &Registry,
    plan: &Plan,
    blobs: &Blobs,
) -> Result<ReadImage, ReadError> {
    let limits = CopyLimits::default();
    let copy = plan_copy(registry, &plan.image.tags, &limits, &Choice::of(plan)).await?;
    let newest = domain::tag::newest(copy.tags.keys().map(String::as_str));
    let newest = newest.and_then(|version| copy.tags.get(&version.to_string()));
    let whole = below(newest, &copy.manifests);
    let blobs_wanted = wanted(&copy.manifests, &whole);
    stream::iter(blobs_wanted.values())
        .map(|blob| take(registry, blobs, blob))
        .buffer_unordered(BLOBS_PARALLEL_MAX)
        .try_collect::<()>()
        .await
        .map_err(failed)?;
    Ok(ReadImage {
        source: registry.at().to_string(),
        tags: copy.tags,
        missing_tags: copy.missing,
        manifests: copy.manifests,
        left_out: copy.left_out.into_keys().collect(),
        by_itself: None,
    })
}

fn failed(error: FetchError) -> ReadError {
    match error {
        FetchError::Upstream(error) => ReadError::Upstream(error),
        FetchError::Publisher(why) => ReadError::Storage(why),
        FetchError::Ours(Refused::Failed(trouble)) => ReadError::Storage(trouble.to_string()),
        FetchError::Ours(other) => ReadError::Storage(other.to_string()),
    }
}

/// A manifest and everything that it lists.
fn below<'a>(root: Option<&'a Digest>, manifests: &'a [Manifest]) -> BTreeSet<&'a Digest> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Digest> = root.into_iter().collect();
    while let Some(digest) = waiting.pop() {
        if !found.insert(digest) {
            continue;
        }
        let named = manifests
            .iter()
            .filter(|manifest| manifest.digest == *digest);
        waiting.extend(
            named
                .flat_map(Manifest::children)
                .map(|child| &child.digest),
        );
    }
    found
}

/// Configurations of all images, and layers of those that are wanted whole.
fn wanted<'a>(
    manifests: &'a [Manifest],
    whole: &BTreeSet<&Digest>,
) -> BTreeMap<&'a Digest, &'a Descriptor> {
    let mut wanted = BTreeMap::new();
    for manifest in manifests {
        let layers = match whole.contains(&manifest.digest) {
            true => manifest.layers(),
            false => &[],
        };
        let layers = layers
            .iter()
            .filter(|layer| !oci::media_type::is_nondistributable(&layer.media_type));
        for blob in manifest.config().into_iter().chain(layers) {
            wanted.insert(&blob.digest, blob);
        }
    }
    wanted
}
