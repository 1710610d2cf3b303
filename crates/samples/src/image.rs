//! OCI images of the sample modules: one manifest and config a platform, and an index over them
//! (OCI Image Format 1.1). What the bytes mean to a registry is the business of crate `oci`.

use serde_json::{Map, Value, json};

use crate::PLATFORMS;
use crate::catalog::{Module, module};
use crate::error::SampleError;
use crate::layer::{USER_ID, digest, layer};

/// Media type of [`Image::index`].
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of every [`Manifest`].
pub const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_MEDIA_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Creation time that every image states: fixed, so that digests repeat.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// A multi-platform image, complete with everything its manifests refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image index.
    pub index: Vec<u8>,
    /// Its media type.
    pub index_media_type: &'static str,
    /// Its digest.
    pub index_digest: String,
    /// One manifest a platform, in the order of the index.
    pub children: Vec<Manifest>,
    /// Configs and layers by digest, each once.
    pub blobs: Vec<(String, Vec<u8>)>,
}

/// The manifest of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of [`Manifest::bytes`].
    pub digest: String,
    /// Its media type.
    pub media_type: &'static str,
    /// The manifest itself.
    pub bytes: Vec<u8>,
    /// `os/architecture[/variant]`.
    pub platform: &'static str,
}

/// The image of a sample module for all of [`PLATFORMS`]. `version` is only said in labels and in `MODULE_VERSION`.
///
/// # Errors
/// When no sample module has this name.
pub fn image(module: &str, version: &str) -> Result<Image, SampleError> {
    image_for(module, version, &PLATFORMS)
}

/// The image of a sample module for some platforms only.
///
/// # Errors
/// When no sample module has this name, or the sample program is not built for a platform.
pub fn image_for(name: &str, version: &str, platforms: &[&str]) -> Result<Image, SampleError> {
    image_of(name, version, platforms, None)
}

/// The image of a sample module as it belongs to an offer and a plan.
pub(crate) fn image_of(
    name: &str,
    version: &str,
    platforms: &[&str],
    product: Option<&str>,
) -> Result<Image, SampleError> {
    let module = module(name).ok_or_else(|| SampleError::UnknownModule(name.to_owned()))?;
    let mut children = Vec::with_capacity(platforms.len());
    let mut blobs: Vec<(String, Vec<u8>)> = Vec::with_capacity(platforms.len() * 2);
    for wanted in platforms {
        let platform = PLATFORMS
            .into_iter()
            .find(|known| known == wanted)
            .ok_or_else(|| SampleError::UnknownPlatform((*wanted).to_owned()))?;
        children.push(child(module, (version, product), platform, &mut blobs)?);
    }
    let manifests: Vec<Value> = children
        .iter()
        .map(|child| {
            let mut descriptor = descriptor(child.media_type, &child.digest, child.bytes.len());
            descriptor["platform"] = Value::Object(platform_object(child.platform));
            descriptor
        })
        .collect();
    let index = serde_json::to_vec_pretty(&json!({
        "schemaVersion": 2,
        "mediaType": INDEX_MEDIA_TYPE,
        "manifests": manifests,
        "annotations": {
            "org.opencontainers.image.created": CREATED,
            "org.opencontainers.image.title": module.title,
            "org.opencontainers.image.version": version,
        },
    }))?;
    Ok(Image {
        index_digest: digest(&index),
        index,
        index_media_type: INDEX_MEDIA_TYPE,
        children,
        blobs,
    })
}

fn child(
    module: &Module,
    said: (&str, Option<&str>),
    platform: &'static str,
    blobs: &mut Vec<(String, Vec<u8>)>,
) -> Result<Manifest, SampleError> {
    let layer = layer(module, platform)?;
    let config = serde_json::to_vec(&config(module, said, platform, &layer.diff_id))?;
    let config_digest = digest(&config);
    let bytes = serde_json::to_vec_pretty(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_MEDIA_TYPE,
        "config": descriptor(CONFIG_MEDIA_TYPE, &config_digest, config.len()),
        "layers": [descriptor(LAYER_MEDIA_TYPE, &layer.digest, layer.bytes.len())],
    }))?;
    blobs.push((config_digest, config));
    blobs.push((layer.digest.clone(), layer.bytes.clone()));
    Ok(Manifest {
        digest: digest(&bytes),
        media_type: MANIFEST_MEDIA_TYPE,
        bytes,
        platform,
    })
}

fn config(
    module: &Module,
    (version, product): (&str, Option<&str>),
    platform: &str,
    diff_id: &str,
) -> Value {
    let mut variables = vec!["PATH=/app".to_owned(), format!("MODULE_VERSION={version}")];
    variables.extend(product.map(|product| format!("PRODUCT_INFO={product}")));
    let mut run = json!({
        "User": USER_ID.to_string(),
        "Env": variables,
        "Entrypoint": [format!("/app/{}", module.name)],
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
        "Labels": {
            "org.opencontainers.image.created": CREATED,
            "org.opencontainers.image.description": module.summary,
            "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
            "org.opencontainers.image.title": module.title,
            "org.opencontainers.image.vendor": "Edgemart samples",
            "org.opencontainers.image.version": version,
        },
    });
    if let Some(port) = module.port {
        run["ExposedPorts"] = json!({ format!("{port}/tcp"): {} });
    }
    let mut config = platform_object(platform);
    config.insert("created".into(), json!(CREATED));
    config.insert("config".into(), run);
    config.insert(
        "rootfs".into(),
        json!({ "type": "layers", "diff_ids": [diff_id] }),
    );
    config.insert(
        "history".into(),
        json!([{ "created": CREATED, "created_by": format!("edgemart sample {}", module.name) }]),
    );
    Value::Object(config)
}

fn platform_object(platform: &str) -> Map<String, Value> {
    let names = ["os", "architecture", "variant"];
    names
        .iter()
        .zip(platform.split('/'))
        .map(|(name, part)| ((*name).to_owned(), json!(part)))
        .collect()
}

fn descriptor(media_type: &str, digest: &str, size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}
