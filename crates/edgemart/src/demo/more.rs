//! A sample that does not travel in the binary: a folder with an OCI image layout, the name of its repository, and the
//! offer. `samples/python/build.py` makes one.

use std::path::{Path, PathBuf};

use app::folder::{OfferFolder, read_folder};
use axum::body::Bytes;
use samples::{INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE};
use serde_json::Value;

use super::upstream::Shelf;

/// Why a folder holds no sample.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}; samples/python/build.py writes a folder as it is wanted")]
pub(super) struct NoSample {
    place: String,
    why: String,
}

impl NoSample {
    fn at(place: &Path, why: impl ToString) -> Self {
        Self {
            place: place.display().to_string(),
            why: why.to_string(),
        }
    }
}

/// The offer of a folder.
pub(super) fn offer(folder: &Path) -> Result<OfferFolder, NoSample> {
    let place = folder.join("offer");
    let read = |path: &str| match std::fs::read(place.join(path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(problem),
    };
    read_folder(read).map_err(|problem| NoSample::at(&place, problem))
}

/// Puts the image of a folder on the shelf, under the tags that its layout names.
pub(super) fn load(folder: &Path, shelf: &mut Shelf) -> Result<(), NoSample> {
    let repository = text(&folder.join("repository"))?;
    let repository = repository.trim();
    for entry in listed(&folder.join("index.json"))? {
        let digest = manifest(folder, repository, &entry, shelf)?;
        let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
        if let Some(tag) = tag {
            shelf.tags.insert(format!("{repository}:{tag}"), digest);
        }
    }
    Ok(())
}

/// A manifest and what it refers to; an index brings its manifests. Gives its digest.
fn manifest(
    folder: &Path,
    repository: &str,
    entry: &Value,
    shelf: &mut Shelf,
) -> Result<String, NoSample> {
    let (digest, path) = blob(folder, entry)?;
    let media_type = match entry["mediaType"].as_str() {
        Some(INDEX_MEDIA_TYPE) => INDEX_MEDIA_TYPE,
        _ => MANIFEST_MEDIA_TYPE,
    };
    let bytes = bytes(&path)?;
    let document: Value =
        serde_json::from_slice(&bytes).map_err(|problem| NoSample::at(&path, problem))?;
    if media_type == INDEX_MEDIA_TYPE {
        for child in document["manifests"].as_array().into_iter().flatten() {
            manifest(folder, repository, child, shelf)?;
        }
    } else {
        let layers = document["layers"].as_array().into_iter().flatten();
        for referred in layers.chain([&document["config"]]) {
            let (digest, path) = blob(folder, referred)?;
            shelf.blobs.insert(digest, self::bytes(&path)?);
        }
    }
    let held = (media_type, bytes);
    shelf
        .manifests
        .insert(format!("{repository}@{digest}"), held);
    Ok(digest)
}

fn listed(path: &Path) -> Result<Vec<Value>, NoSample> {
    let document: Value =
        serde_json::from_str(&text(path)?).map_err(|problem| NoSample::at(path, problem))?;
    match document["manifests"].as_array() {
        Some(entries) => Ok(entries.clone()),
        None => Err(NoSample::at(path, "it lists no manifests")),
    }
}

/// Digest and file of what a descriptor means.
fn blob(folder: &Path, descriptor: &Value) -> Result<(String, PathBuf), NoSample> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    match digest.parse::<oci::Digest>() {
        Ok(parsed) => Ok((
            digest.to_owned(),
            folder.join("blobs/sha256").join(parsed.hex()),
        )),
        Err(problem) => Err(NoSample::at(
            folder,
            format!("digest {digest:?}: {problem}"),
        )),
    }
}

fn bytes(path: &Path) -> Result<Bytes, NoSample> {
    let read = std::fs::read(path).map(Bytes::from);
    read.map_err(|problem| NoSample::at(path, problem))
}

fn text(path: &Path) -> Result<String, NoSample> {
    std::fs::read_to_string(path).map_err(|problem| NoSample::at(path, problem))
}
