//! The sample images are whole, true to their platform, deterministic, and small.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test by panicking"
)]

use std::collections::BTreeMap;
use std::io::Read as _;

use samples::{Image, SampleError};
use serde_json::{Value, json};
use sha2::Digest as _;

/// Largest layer of a sample, in bytes.
const LAYER_BYTES_MAX: usize = 1536 * 1024;
/// Machine number in an ELF header (System V ABI) for each platform.
const MACHINES: [(&str, u16); 3] = [
    ("linux/amd64", 62),
    ("linux/arm64", 183),
    ("linux/arm/v7", 40),
];

fn digest(bytes: &[u8]) -> String {
    let hex: String = sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The bytes a descriptor refers to, with its digest and size verified.
fn fetch<'a>(image: &'a Image, descriptor: &Value) -> &'a [u8] {
    let wanted = descriptor["digest"].as_str().unwrap();
    let manifests = image
        .children
        .iter()
        .map(|child| (&child.digest, &child.bytes));
    let blobs = image.blobs.iter().map(|(digest, bytes)| (digest, bytes));
    let (_, bytes) = manifests
        .chain(blobs)
        .find(|(known, _)| *known == wanted)
        .unwrap();
    assert_eq!(digest(bytes), wanted);
    assert_eq!(descriptor["size"], json!(bytes.len()));
    bytes
}

/// Files of a layer by path, with mode and owner.
fn unpack(archive: &[u8]) -> BTreeMap<String, (u32, u64, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let (mode, owner) = (
            entry.header().mode().unwrap(),
            entry.header().uid().unwrap(),
        );
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, (mode, owner, content));
    }
    files
}

fn check(image: &Image, module: &str, version: &str) {
    assert_eq!(digest(&image.index), image.index_digest);
    let index = parse(&image.index);
    assert_eq!(index["mediaType"], json!(image.index_media_type));
    let listed = index["manifests"].as_array().unwrap();
    assert_eq!(listed.len(), image.children.len());
    for (entry, child) in listed.iter().zip(&image.children) {
        assert_eq!(entry["digest"], json!(child.digest));
        assert_eq!(entry["mediaType"], json!(child.media_type));
        let manifest = parse(fetch(image, entry));
        let config = parse(fetch(image, &manifest["config"]));
        for key in ["os", "architecture", "variant"] {
            assert_eq!(
                config.get(key),
                entry["platform"].get(key),
                "{key} of {}",
                child.platform
            );
        }
        let parts: Vec<&str> = ["os", "architecture", "variant"]
            .iter()
            .filter_map(|key| config.get(*key)?.as_str())
            .collect();
        assert_eq!(parts.join("/"), child.platform);
        assert_eq!(config["config"]["User"], json!("1000"));
        assert_eq!(
            config["config"]["Labels"]["org.opencontainers.image.version"],
            json!(version)
        );
        let [layer] = manifest["layers"].as_array().unwrap().as_slice() else {
            panic!("one layer is wanted")
        };
        let packed = fetch(image, layer);
        assert!(
            packed.len() <= LAYER_BYTES_MAX,
            "{module} for {} has {} bytes",
            child.platform,
            packed.len()
        );
        let mut archive = Vec::new();
        flate2::read::GzDecoder::new(packed)
            .read_to_end(&mut archive)
            .unwrap();
        assert_eq!(config["rootfs"]["diff_ids"], json!([digest(&archive)]));
        check_files(&unpack(&archive), &config, child.platform);
    }
}

fn check_files(files: &BTreeMap<String, (u32, u64, Vec<u8>)>, config: &Value, platform: &str) {
    let entrypoint = config["config"]["Entrypoint"][0].as_str().unwrap();
    let (mode, owner, program) = &files[entrypoint.strip_prefix('/').unwrap()];
    assert_eq!((mode & 0o7777, *owner), (0o755, 0));
    assert_eq!(program[..4], *b"\x7fELF");
    let machine = u16::from_le_bytes([program[18], program[19]]);
    assert!(
        MACHINES.contains(&(platform, machine)),
        "{platform} holds machine {machine}"
    );
    assert!(String::from_utf8_lossy(&files["etc/passwd"].2).contains(":1000:1000:"));
    assert!(String::from_utf8_lossy(&files["licenses/LICENSE"].2).contains("LGPL"));
    for (path, (mode, ..)) in files {
        assert_eq!(mode & 0o7000, 0, "{path} is setuid, setgid or sticky");
    }
}

#[test]
fn every_module_is_a_whole_image_for_every_platform() {
    assert!(samples::modules().len() >= 6);
    for module in samples::modules() {
        let image = samples::image(module.name, "7.8.9").unwrap();
        assert_eq!(
            image
                .children
                .iter()
                .map(|child| child.platform)
                .collect::<Vec<_>>(),
            samples::PLATFORMS
        );
        check(&image, module.name, "7.8.9");
        assert_eq!(image, samples::image(module.name, "7.8.9").unwrap());
    }
}

#[test]
fn versions_share_layers_and_nothing_else() {
    let (one, two) = (
        samples::image("heartbeat", "1.0.0").unwrap(),
        samples::image("heartbeat", "1.0.1").unwrap(),
    );
    assert_ne!(one.index_digest, two.index_digest);
    let shared = one
        .blobs
        .iter()
        .filter(|blob| two.blobs.contains(blob))
        .count();
    assert_eq!(shared, samples::PLATFORMS.len());
}

#[test]
fn the_file_store_may_write_where_it_is_told_to() {
    let image = samples::image("file-store", "1.0.0").unwrap();
    let manifest = parse(&image.children[0].bytes);
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(fetch(&image, &manifest["layers"][0]))
        .read_to_end(&mut archive)
        .unwrap();
    let (mode, owner, _) = unpack(&archive)["data/"];
    assert_eq!((mode & 0o777, owner), (0o755, 1000));
}

#[test]
fn what_is_not_there_is_named() {
    let error = samples::image("toaster", "1.0.0").unwrap_err();
    assert!(matches!(&error, SampleError::UnknownModule(name) if name == "toaster"));
    assert!(error.to_string().contains("threshold-filter"), "{error}");
    let error = samples::image_for("heartbeat", "1.0.0", &["linux/s390x"]).unwrap_err();
    assert!(error.to_string().contains("linux/arm/v7"), "{error}");
}

#[test]
fn the_upstream_registry_has_each_tag_once_and_every_digest() {
    let seeds = samples::images().unwrap();
    let mut tags = BTreeMap::new();
    for seed in &seeds {
        check(&seed.image, seed.module, seed.version);
        for (tag, target) in &seed.tags {
            let known = seed.image.index_digest == *target
                || seed.image.children.iter().any(|c| c.digest == *target);
            assert!(known, "{}:{tag} points nowhere", seed.repository);
            assert_eq!(
                tags.insert((seed.repository, tag.clone()), target),
                None,
                "{}:{tag}",
                seed.repository
            );
        }
    }
    let of = |tag: &str| tags[&("contoso/temperature-sensor", tag.to_owned())];
    assert_eq!(of("latest"), of("1.2.0"));
    assert_ne!(of("1.1.0"), of("1.2.0"));
    assert_eq!(of("1.1"), of("1.1.0"));
}

#[test]
fn the_registry_vocabulary_reads_them_alike() {
    for seed in samples::images().unwrap() {
        let image = &seed.image;
        assert!(seed.repository.parse::<oci::RepositoryName>().is_ok());
        for (tag, _) in &seed.tags {
            assert!(tag.parse::<oci::Tag>().is_ok(), "{tag}");
        }
        let index = oci::Manifest::parse(Some(image.index_media_type), &image.index).unwrap();
        assert_eq!(index.digest.to_string(), image.index_digest);
        let platforms: Vec<String> = index.platforms().iter().map(ToString::to_string).collect();
        let built: Vec<&str> = image.children.iter().map(|child| child.platform).collect();
        assert_eq!(platforms, built);
        for child in &image.children {
            let manifest = oci::Manifest::parse(Some(child.media_type), &child.bytes).unwrap();
            let wanted = manifest.blobs().next().unwrap().digest.to_string();
            let (_, config) = image
                .blobs
                .iter()
                .find(|(digest, _)| *digest == wanted)
                .unwrap();
            let platform = oci::ImageConfig::parse(config)
                .unwrap()
                .platform()
                .unwrap()
                .unwrap();
            assert_eq!(platform.to_string(), child.platform);
        }
    }
}
