//! Images for tests, built in memory: several platforms, chosen contents, and lies.
//!
//! The same calls give the same bytes. What is built is plain JSON and tar, not the types under test, so that a
//! mistake in those shows.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A manifest or index as pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestManifest {
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// Content-Type.
    pub media_type: String,
    /// Exactly as pushed.
    pub bytes: Vec<u8>,
}

/// A built image: its blobs, and its manifests with children first and the one that gets the tag last.
#[derive(Clone, Debug)]
pub struct TestImage {
    /// Children first, the top one last.
    pub manifests: Vec<TestManifest>,
    /// Digest and bytes.
    pub blobs: Vec<(String, Vec<u8>)>,
    /// Children that the index lists but that are in no list above.
    pub absent: Vec<String>,
}

impl TestImage {
    /// The manifest that a tag points at.
    pub fn top(&self) -> &TestManifest {
        // The builder always makes one.
        &self.manifests[self.manifests.len() - 1]
    }

    /// Bytes of a blob.
    pub fn blob(&self, digest: &str) -> Option<&[u8]> {
        let found = self.blobs.iter().find(|(known, _)| known == digest);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// The largest blob: a layer, when layers have been made large.
    pub fn largest_blob(&self) -> &(String, Vec<u8>) {
        let mut largest = &self.blobs[0];
        for blob in &self.blobs {
            if blob.1.len() > largest.1.len() {
                largest = blob;
            }
        }
        largest
    }
}

/// `sha256:…` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

struct Types {
    index: &'static str,
    manifest: &'static str,
    config: &'static str,
    layer: &'static str,
    foreign: &'static str,
}

const OCI: Types = Types {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
    foreign: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
};

const DOCKER: Types = Types {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    foreign: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

#[derive(Clone)]
struct Child {
    /// What the index says.
    stated: String,
    /// What the configuration says.
    real: String,
    absent: bool,
}

/// Says what to build; see [`ImageBuilder::build`].
#[derive(Clone)]
pub struct ImageBuilder {
    docker: bool,
    single: bool,
    nested: bool,
    children: Vec<Child>,
    files: Vec<(String, Vec<u8>, u32)>,
    noise_bytes: usize,
    foreign_url: Option<String>,
    config: Value,
    annotations: Value,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ImageBuilder {
    /// An image with no platform yet; one small file; user 1000; entry point `/module`.
    pub fn new() -> Self {
        Self {
            docker: false,
            single: false,
            nested: false,
            children: Vec::new(),
            files: vec![("module".to_owned(), b"#!/bin/true\n".to_vec(), 0o755)],
            noise_bytes: 0,
            foreign_url: None,
            config: json!({"User": "1000", "Entrypoint": ["/module"], "Env": ["PATH=/"]}),
            annotations: json!({}),
        }
    }

    /// The three platforms that the marketplace knows by default.
    pub fn all_platforms() -> Self {
        Self::new()
            .platform("linux/amd64")
            .platform("linux/arm64")
            .platform("linux/arm/v7")
    }

    /// One more platform, such as `linux/arm/v7`.
    #[must_use]
    pub fn platform(self, platform: &str) -> Self {
        self.lie(platform, platform)
    }

    /// A child for which the index says one platform and its configuration another.
    #[must_use]
    pub fn lie(mut self, index_says: &str, config_says: &str) -> Self {
        self.children.push(Child {
            stated: index_says.to_owned(),
            real: config_says.to_owned(),
            absent: false,
        });
        self
    }

    /// A child that the index lists but that is nowhere.
    #[must_use]
    pub fn absent_child(mut self, platform: &str) -> Self {
        self.children.push(Child {
            stated: platform.to_owned(),
            real: platform.to_owned(),
            absent: true,
        });
        self
    }

    /// An attestation as build tools add it: platform `unknown/unknown`, and marked by an annotation.
    #[must_use]
    pub fn attestation(self) -> Self {
        self.lie("unknown/unknown", "unknown/unknown")
    }

    /// Docker's media types instead of OCI's.
    #[must_use]
    pub fn docker(mut self) -> Self {
        self.docker = true;
        self
    }

    /// The first platform's manifest alone, without an index.
    #[must_use]
    pub fn single(mut self) -> Self {
        self.single = true;
        self
    }

    /// The index within another index.
    #[must_use]
    pub fn nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// One more file in every platform's layer.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.files.push((path.to_owned(), bytes.into(), mode));
        self
    }

    /// Another user; empty means root.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.config("User", json!(user))
    }

    /// A field of the configuration's `config` object: `Env`, `Labels`, `ExposedPorts`, …
    #[must_use]
    pub fn config(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    /// An annotation of every manifest; different ones give different digests.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations[name] = json!(value);
        self
    }

    /// Makes every layer at least this large, with bytes that do not compress.
    #[must_use]
    pub fn noise(mut self, bytes: usize) -> Self {
        self.noise_bytes = bytes;
        self
    }

    /// A foreign layer that is said to lie at `url`.
    #[must_use]
    pub fn foreign_layer(mut self, url: &str) -> Self {
        self.foreign_url = Some(url.to_owned());
        self
    }

    /// Builds it.
    ///
    /// # Panics
    /// When there is no platform, or tar or gzip fail in memory.
    #[expect(
        clippy::unwrap_used,
        reason = "a test's fixture that cannot be built ends the test"
    )]
    pub fn build(&self) -> TestImage {
        let types = if self.docker { &DOCKER } else { &OCI };
        assert!(!self.children.is_empty(), "an image needs a platform");
        let mut image = TestImage {
            manifests: Vec::new(),
            blobs: Vec::new(),
            absent: Vec::new(),
        };
        let mut listed = Vec::new();
        for child in &self.children {
            let (manifest, blobs) = self.child(child, types).unwrap();
            let mut entry = descriptor(types.manifest, &manifest.bytes);
            entry["platform"] = platform_json(&child.stated);
            if child.stated == "unknown/unknown" {
                entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
            }
            listed.push(entry);
            if child.absent {
                image.absent.push(manifest.digest);
                continue;
            }
            for blob in blobs {
                if image.blob(&blob.0).is_none() {
                    image.blobs.push(blob);
                }
            }
            image.manifests.push(manifest);
            if self.single {
                return image;
            }
        }
        let mut index = self.index(types, listed);
        if self.nested {
            let inner = descriptor(types.index, &index.bytes);
            image.manifests.push(index);
            index = self.index(types, vec![inner]);
        }
        image.manifests.push(index);
        image
    }

    fn index(&self, types: &Types, manifests: Vec<Value>) -> TestManifest {
        let document = json!({
            "schemaVersion": 2,
            "mediaType": types.index,
            "manifests": manifests,
        });
        self.manifest(types.index, document)
    }

    fn manifest(&self, media_type: &str, mut document: Value) -> TestManifest {
        if self
            .annotations
            .as_object()
            .is_some_and(|all| !all.is_empty())
        {
            document["annotations"] = self.annotations.clone();
        }
        let bytes = document.to_string().into_bytes();
        TestManifest {
            digest: digest(&bytes),
            media_type: media_type.to_owned(),
            bytes,
        }
    }

    #[expect(clippy::type_complexity, reason = "a manifest and its blobs")]
    fn child(
        &self,
        child: &Child,
        types: &Types,
    ) -> std::io::Result<(TestManifest, Vec<(String, Vec<u8>)>)> {
        let tar = self.tar(&child.real)?;
        let layer = gzip(&tar)?;
        let mut config = platform_json(&child.real);
        config["config"] = self.config.clone();
        config["created"] = json!("2024-01-01T00:00:00Z");
        config["rootfs"] = json!({"type": "layers", "diff_ids": [digest(&tar)]});
        config["history"] = json!([{"created_by": "testkit"}]);
        let mut layers = vec![descriptor(types.layer, &layer)];
        if let Some(url) = &self.foreign_url {
            let elsewhere = gzip(b"foreign")?;
            let mut foreign = descriptor(types.foreign, &elsewhere);
            foreign["urls"] = json!([url]);
            layers.insert(0, foreign);
            let ids = json!([digest(b"foreign"), digest(&tar)]);
            config["rootfs"]["diff_ids"] = ids;
        }
        let config = config.to_string().into_bytes();
        let document = json!({
            "schemaVersion": 2,
            "mediaType": types.manifest,
            "config": descriptor(types.config, &config),
            "layers": layers,
        });
        let blobs = vec![(digest(&config), config), (digest(&layer), layer)];
        Ok((self.manifest(types.manifest, document), blobs))
    }

    fn tar(&self, platform: &str) -> std::io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |path: &str, bytes: &[u8], mode: u32| {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(mode);
            header.set_mtime(1_700_000_000);
            header.set_cksum();
            tar.append_data(&mut header, path, bytes)
        };
        for (path, bytes, mode) in &self.files {
            add(path, bytes, *mode)?;
        }
        add("platform", platform.as_bytes(), 0o644)?;
        if self.noise_bytes > 0 {
            add("noise", &noise(self.noise_bytes, platform), 0o644)?;
        }
        tar.into_inner()
    }
}

/// Bytes that do not compress, the same for the same seed.
fn noise(length: usize, seed: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut state = Sha256::digest(seed.as_bytes());
    while bytes.len() < length {
        bytes.extend_from_slice(&state);
        state = Sha256::digest(state);
    }
    bytes.truncate(length);
    bytes
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let mut encoder = flate2::GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

fn platform_json(platform: &str) -> Value {
    let mut parts = platform.split('/');
    let os = parts.next().unwrap_or_default();
    let mut value = json!({"architecture": parts.next().unwrap_or_default(), "os": os});
    if let Some(variant) = parts.next() {
        value["variant"] = json!(variant);
    }
    value
}
