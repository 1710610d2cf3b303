//! An image that is given by itself, as an archive: brought into a folder of blobs, so that the rules look at it as at one
//! that came from a registry. Reads what `docker save`, `podman save` and `skopeo copy … oci-archive:` write.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use app::pipeline::ReadImage;
use oci::layer::{EntryKind, LayerLimits, walk};
use oci::media_type::{
    OCI_CONFIG, OCI_LAYER_TAR, OCI_LAYER_TAR_GZIP, OCI_LAYER_TAR_ZSTD, OCI_MANIFEST,
};
use oci::{Descriptor, Digest, DigestAlgorithm, DigestHasher, MANIFEST_BYTES_MAX, Manifest};
use serde_json::{Value, json};
use store::blobs::Blobs;
use tokio_util::io::ReaderStream;

/// Bytes that are hashed at once.
const CHUNK_BYTES: usize = 128 * 1024;
/// How often a link is followed to another.
const LINKS_MAX: usize = 8;

/// The files of an archive, by path, each where it was unpacked to; and links.
#[derive(Default)]
struct Unpacked {
    files: BTreeMap<String, PathBuf>,
    links: BTreeMap<String, String>,
}

/// Brings the image of an archive into `blobs`, by way of an empty folder; the error is a sentence.
pub(super) async fn given(
    archive: &Path,
    folder: &Path,
    blobs: &Blobs,
) -> Result<ReadImage, String> {
    let (from, to) = (archive.to_owned(), folder.to_owned());
    let unpacking = tokio::task::spawn_blocking(move || unpack(&from, &to));
    let unpacked = unpacking.await.map_err(|e| e.to_string())??;
    let (top, manifests) = match unpacked.find("manifest.json") {
        Some(listed) => of_docker(&unpacked, listed, blobs).await?,
        None => of_layout(&unpacked, blobs).await?,
    };
    Ok(ReadImage {
        source: archive.display().to_string(),
        manifests,
        by_itself: Some(top),
        ..ReadImage::default()
    })
}

fn unpack(archive: &Path, folder: &Path) -> Result<Unpacked, String> {
    let told = |problem: &dyn std::fmt::Display| format!("{}: {problem}", archive.display());
    let kind = layer_kind(archive).map_err(|problem| told(&problem))?;
    let file = File::open(archive).map_err(|problem| told(&problem))?;
    let mut unpacked = Unpacked::default();
    let mut broken = None;
    let walked = walk(file, kind, &LayerLimits::default(), |entry, body| {
        let path = plain(&entry.path);
        match (entry.kind, &entry.link) {
            (EntryKind::File, _) => {
                let to = folder.join(unpacked.files.len().to_string());
                let copied = File::create_new(&to).and_then(|mut file| io::copy(body, &mut file));
                if let Err(problem) = copied {
                    broken = Some(format!("{}: {problem}", to.display()));
                    return ControlFlow::Break(());
                }
                unpacked.files.insert(path, to);
            }
            (EntryKind::HardLink, Some(to)) => drop(unpacked.links.insert(path, plain(to))),
            (EntryKind::Symlink, Some(to)) => {
                let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let to = plain(&format!("{beside}/{to}"));
                unpacked.links.insert(path, to);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    match (broken, walked) {
        (Some(problem), _) => Err(problem),
        (None, Err(problem)) => Err(told(&problem)),
        (None, Ok(_)) => Ok(unpacked),
    }
}

/// `./a/../b` → `b`.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

impl Unpacked {
    fn find(&self, path: &str) -> Option<&Path> {
        let mut path = plain(path);
        for _ in 0..LINKS_MAX {
            match self.links.get(&path) {
                Some(to) => path.clone_from(to),
                None => return self.files.get(&path).map(PathBuf::as_path),
            }
        }
        None
    }

    /// A small file as JSON.
    fn json(&self, path: &str) -> Result<Value, String> {
        let file = self.find(path).ok_or_else(|| lacks(path))?;
        serde_json::from_slice(&small(file)?).map_err(|problem| format!("{path}: {problem}"))
    }
}

fn lacks(what: &str) -> String {
    format!("the archive is no image: it has no {what}")
}

fn small(file: &Path) -> Result<Vec<u8>, String> {
    let told = |problem: io::Error| format!("{}: {problem}", file.display());
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(told)?;
    let most = MANIFEST_BYTES_MAX as u64 + 1;
    opened.take(most).read_to_end(&mut bytes).map_err(told)?;
    match bytes.len() > MANIFEST_BYTES_MAX {
        true => Err(format!(
            "a manifest of the archive is over {MANIFEST_BYTES_MAX} bytes"
        )),
        false => Ok(bytes),
    }
}

/// The first image of an archive of `docker save`: its layers have no manifest yet, so they are given one.
async fn of_docker(
    unpacked: &Unpacked,
    listed: &Path,
    blobs: &Blobs,
) -> Result<(Digest, Vec<Manifest>), String> {
    let listed: Value = serde_json::from_slice(&small(listed)?)
        .map_err(|problem| format!("manifest.json: {problem}"))?;
    let image = &listed[0];
    let named = |name: &Value| name.as_str().unwrap_or_default().to_owned();
    let layers = image["Layers"].as_array().cloned().unwrap_or_default();
    let config = keep(unpacked, &named(&image["Config"]), Some(OCI_CONFIG), blobs).await?;
    let mut kept = Vec::new();
    for layer in &layers {
        kept.push(keep(unpacked, &named(layer), None, blobs).await?);
    }
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": kept,
    });
    let manifest = parse(OCI_MANIFEST, manifest.to_string().as_bytes())?;
    Ok((manifest.digest.clone(), vec![manifest]))
}

/// The first image or index of an OCI layout.
async fn of_layout(unpacked: &Unpacked, blobs: &Blobs) -> Result<(Digest, Vec<Manifest>), String> {
    let index = unpacked.json("index.json")?;
    let top: Descriptor = serde_json::from_value(index["manifests"][0].clone())
        .map_err(|problem| format!("index.json: {problem}"))?;
    let mut manifests = Vec::new();
    let mut waiting = vec![top.clone()];
    while let Some(next) = waiting.pop() {
        if manifests
            .iter()
            .any(|known: &Manifest| known.digest == next.digest)
        {
            continue;
        }
        let path = layout_path(&next.digest);
        let file = unpacked.find(&path).ok_or_else(|| lacks(&path))?;
        let manifest = parse(&next.media_type, &small(file)?)?;
        if manifest.digest != next.digest {
            return Err(format!("{path} has other bytes than its name says"));
        }
        for blob in manifest.blobs() {
            keep(
                unpacked,
                &layout_path(&blob.digest),
                Some(&blob.media_type),
                blobs,
            )
            .await?;
        }
        waiting.extend(manifest.children().iter().cloned());
        manifests.push(manifest);
    }
    Ok((top.digest, manifests))
}

fn layout_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

fn parse(kind: &str, bytes: &[u8]) -> Result<Manifest, String> {
    Manifest::parse(Some(kind), bytes)
        .map_err(|problem| format!("a manifest of the archive: {problem}"))
}

/// Keeps a file as a blob; without a kind it is a layer, and its first bytes tell which.
async fn keep(
    unpacked: &Unpacked,
    path: &str,
    kind: Option<&str>,
    blobs: &Blobs,
) -> Result<Descriptor, String> {
    let file = unpacked.find(path).ok_or_else(|| lacks(path))?;
    let told = |problem: &dyn std::fmt::Display| format!("{path}: {problem}");
    let kind = match kind {
        Some(kind) => kind,
        None => layer_kind(file).map_err(|problem| told(&problem))?,
    };
    let (digest, size) = digest(file).map_err(|problem| told(&problem))?;
    let bytes = tokio::fs::File::open(file).await;
    let bytes = ReaderStream::with_capacity(bytes.map_err(|problem| told(&problem))?, CHUNK_BYTES);
    let stored = blobs.put_verified(&digest, bytes, size).await;
    stored.map_err(|problem| told(&problem))?;
    Ok(Descriptor::new(kind, digest, size))
}

fn digest(file: &Path) -> io::Result<(Digest, u64)> {
    let mut file = File::open(file)?;
    let mut hasher = DigestHasher::new(DigestAlgorithm::Sha256);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((hasher.finish(), size)),
            read => {
                hasher.update(&chunk[..read]);
                size += read as u64;
            }
        }
    }
}

/// How a file is packed, by its first bytes.
fn layer_kind(file: &Path) -> io::Result<&'static str> {
    let mut head = Vec::new();
    File::open(file)?.take(4).read_to_end(&mut head)?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => OCI_LAYER_TAR_GZIP,
        [0x28, 0xb5, 0x2f, 0xfd] => OCI_LAYER_TAR_ZSTD,
        _ => OCI_LAYER_TAR,
    })
}

#[cfg(test)]
mod tests {
    use oci::media_type::OCI_INDEX;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn write(&self, path: &str, bytes: &[u8]) {
            let path = self.0.path().join("image").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }

        /// Of an OCI layout.
        fn blob(&self, kind: &str, bytes: &[u8]) -> Descriptor {
            let digest = Digest::sha256_of(bytes);
            self.write(&layout_path(&digest), bytes);
            Descriptor::new(kind, digest, bytes.len() as u64)
        }

        async fn read(&self) -> (Result<ReadImage, String>, Blobs) {
            let (archive, folder) = (self.0.path().join("a.tar"), self.0.path().join("unpacked"));
            let mut tar = std::process::Command::new("tar");
            tar.arg("--create").arg("--file").arg(&archive);
            let tar = tar.arg("-C").arg(self.0.path().join("image")).arg(".");
            assert!(tar.status().unwrap().success());
            std::fs::create_dir(&folder).unwrap();
            let kept = format!("file://{}", self.0.path().join("blobs").display());
            let blobs = Blobs::at(&kept, None).unwrap();
            (given(&archive, &folder, &blobs).await, blobs)
        }
    }

    fn place() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    #[tokio::test]
    async fn an_archive_of_docker_save_becomes_an_image() {
        let place = place();
        place.write("c.json", b"{}");
        place.write("one/layer.tar", b"plain");
        std::fs::create_dir_all(place.0.path().join("image/two")).unwrap();
        let link = place.0.path().join("image/two/layer.tar");
        std::os::unix::fs::symlink("../one/layer.tar", link).unwrap();
        place.write("three.tar", &[0x1f, 0x8b, 8, 0]);
        let layers = ["one/layer.tar", "two/layer.tar", "three.tar"];
        let listed = json!([{"Config": "c.json", "RepoTags": [], "Layers": layers}]);
        place.write("manifest.json", listed.to_string().as_bytes());
        let (read, blobs) = place.read().await;
        let read = read.unwrap();
        let image = &read.manifests[0];
        assert_eq!(read.by_itself.as_ref(), Some(&image.digest));
        let kinds: Vec<&str> = image.layers().iter().map(|one| &*one.media_type).collect();
        assert_eq!(kinds, [OCI_LAYER_TAR, OCI_LAYER_TAR, OCI_LAYER_TAR_GZIP]);
        assert_eq!(image.layers()[0].digest, Digest::sha256_of(b"plain"));
        for blob in image.blobs() {
            assert_eq!(blobs.size(&blob.digest).await.unwrap(), Some(blob.size));
        }
    }

    #[tokio::test]
    async fn a_layout_keeps_its_index_and_what_is_no_image_says_so() {
        let place = place();
        let config = place.blob(OCI_CONFIG, b"{}");
        let layer = place.blob(OCI_LAYER_TAR_GZIP, b"layer");
        let image = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
        let image = place.blob(OCI_MANIFEST, image.to_string().as_bytes());
        let index =
            json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [image, image]});
        let index = place.blob(OCI_INDEX, index.to_string().as_bytes());
        let listed = json!({"schemaVersion": 2, "manifests": [index]});
        place.write("index.json", listed.to_string().as_bytes());
        let (read, blobs) = place.read().await;
        let read = read.unwrap();
        assert_eq!(read.by_itself, Some(index.digest));
        assert_eq!(read.manifests.len(), 2);
        assert!(blobs.size(&layer.digest).await.unwrap().is_some());

        let other = self::place();
        other.write("a.txt", b"a");
        let why = other.read().await.0.unwrap_err();
        assert!(
            why.contains("no image") && why.contains("index.json"),
            "{why}"
        );
    }
}
