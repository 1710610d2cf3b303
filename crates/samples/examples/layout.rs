//! Writes the sample images as OCI image layouts, one folder a repository, for tools that read those:
//!
//! ```text
//! cargo run -p samples --example layout -- /tmp/layouts
//! skopeo copy --all oci:/tmp/layouts/contoso/heartbeat:latest docker://registry.example/heartbeat
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args()
        .nth(1)
        .ok_or("name the directory to write to")?;
    let mut indexes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for seed in samples::images()? {
        let folder = Path::new(&directory).join(seed.repository);
        let image = &seed.image;
        put(&folder, &image.index_digest, &image.index)?;
        for child in &image.children {
            put(&folder, &child.digest, &child.bytes)?;
        }
        for (digest, bytes) in &image.blobs {
            put(&folder, digest, bytes)?;
        }
        let entries = indexes.entry(seed.repository).or_default();
        for (tag, digest) in &seed.tags {
            let child = image.children.iter().find(|child| child.digest == *digest);
            let (media_type, size) = match child {
                Some(child) => (child.media_type, child.bytes.len()),
                None => (image.index_media_type, image.index.len()),
            };
            entries.push(json!({
                "mediaType": media_type,
                "digest": digest,
                "size": size,
                "annotations": { "org.opencontainers.image.ref.name": tag },
            }));
        }
    }
    for (repository, manifests) in indexes {
        let folder = Path::new(&directory).join(repository);
        fs::write(
            folder.join("oci-layout"),
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        fs::write(
            folder.join("index.json"),
            serde_json::to_vec_pretty(&index)?,
        )?;
        println!("{}", folder.display());
    }
    Ok(())
}

fn put(folder: &Path, digest: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = folder.join("blobs").join(digest.replace(':', "/"));
    fs::create_dir_all(path.parent().ok_or("a blob has a folder")?)?;
    fs::write(path, bytes)?;
    Ok(())
}
