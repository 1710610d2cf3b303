//! Descriptors: the typed, sized, digested pointer of image-spec descriptor.md.
//!
//! Fields Edgemart does not act on (`data`, custom ones) are left out here; they survive in the manifest's exact bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;
use crate::media_type::is_nondistributable;
use crate::platform::{Platform, object};

/// The largest size a descriptor may state: what a signed 64-bit reader can hold (image-spec: `int64`).
pub const DESCRIPTOR_SIZE_BYTES_MAX: u64 = i64::MAX as u64;

/// The longest media type, in bytes (RFC 6838 §4.2: 127 a side and the slash).
pub const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// A pointer to content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is; never empty.
    #[serde(deserialize_with = "media_type")]
    pub media_type: String,
    /// The content's digest.
    pub digest: Digest,
    /// The content's size in bytes, at most [`DESCRIPTOR_SIZE_BYTES_MAX`].
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// Where else the content may be fetched; only foreign layers are ever fetched from here.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub urls: Vec<String>,
    /// Free remarks.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// In an index: the platform of the child.
    #[serde(default, with = "object", skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The type of the artifact pointed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// A descriptor with only the required fields.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
        }
    }

    /// A foreign layer that its maker serves: not expected among the repository's blobs.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        is_nondistributable(&self.media_type) && !self.urls.is_empty()
    }

    /// In an index: an entry that carries statements about an image and that no device runs.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(Platform::is_unknown)
            || self.annotations.contains_key("vnd.docker.reference.type")
    }
}

/// Go writes an empty slice or map as `null`.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

fn media_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text.len() > MEDIA_TYPE_BYTES_MAX || text.chars().any(char::is_control) {
        let found = crate::excerpt::excerpt(&text);
        return Err(serde::de::Error::custom(format_args!(
            "descriptor mediaType must have 1 to {MEDIA_TYPE_BYTES_MAX} printable characters, found '{found}'"
        )));
    }
    Ok(text)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    match number.as_u64() {
        Some(size) if size <= DESCRIPTOR_SIZE_BYTES_MAX => Ok(size),
        _ => Err(serde::de::Error::custom(format_args!(
            "descriptor size must be a whole number from 0 to {DESCRIPTOR_SIZE_BYTES_MAX}, found {number}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type;

    fn parse(json: &str) -> Result<Descriptor, serde_json::Error> {
        serde_json::from_str(&json.replace("DIGEST", Digest::sha256_of(b"").as_str()))
    }

    #[test]
    fn every_field_is_read_and_written() {
        let json = format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":7,"urls":["https://example.com/x"],"annotations":{{"a":"b"}},"platform":{{"architecture":"arm","os":"linux","variant":"v7"}},"artifactType":"application/x"}}"#,
            Digest::sha256_of(b"")
        );
        let descriptor = parse(&json).unwrap();
        assert_eq!(
            descriptor.platform.as_ref().unwrap().to_string(),
            "linux/arm/v7"
        );
        assert_eq!(serde_json::to_string(&descriptor).unwrap(), json);
    }

    #[test]
    fn nulls_and_empty_platforms_count_as_absent() {
        let descriptor = parse(
            r#"{"mediaType":"a/b","digest":"DIGEST","size":0,"urls":null,"annotations":null,"platform":{"architecture":"","os":""}}"#,
        )
        .unwrap();
        assert_eq!(
            descriptor,
            Descriptor::new("a/b", Digest::sha256_of(b""), 0)
        );
    }

    #[test]
    fn wrong_values_are_named() {
        let table = [
            (
                r#"{"mediaType":"a/b","digest":"DIGEST","size":-1}"#,
                "found -1",
            ),
            (
                r#"{"mediaType":"a/b","digest":"DIGEST","size":1.5}"#,
                "found 1.5",
            ),
            (
                r#"{"mediaType":"a/b","digest":"DIGEST","size":9223372036854775808}"#,
                "found 9223372036854775808",
            ),
            (
                r#"{"mediaType":"a/b","digest":"DIGEST","size":"1"}"#,
                "invalid type",
            ),
            (
                r#"{"mediaType":"","digest":"DIGEST","size":1}"#,
                "mediaType must have",
            ),
            (
                r#"{"mediaType":"a/b","digest":"sha256:00","size":1}"#,
                "needs 64 hex digits",
            ),
            (
                r#"{"digest":"DIGEST","size":1}"#,
                "missing field `mediaType`",
            ),
            (
                r#"{"mediaType":"a/b","digest":"DIGEST"}"#,
                "missing field `size`",
            ),
            (
                r#"{"mediaType":"a/b","digest":"DIGEST","size":1,"platform":{"os":"li nux","architecture":"x"}}"#,
                "li nux",
            ),
        ];
        for (json, expected) in table {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn attestations_are_told_by_platform_or_remark() {
        let mut child = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256_of(b""), 1);
        assert!(!child.is_attestation());
        child.platform = Some("unknown/unknown".parse().unwrap());
        assert!(child.is_attestation());
        child.platform = None;
        child.annotations.insert(
            "vnd.docker.reference.type".to_owned(),
            "attestation-manifest".to_owned(),
        );
        assert!(child.is_attestation());
    }

    #[test]
    fn foreign_layers_with_addresses_are_elsewhere() {
        let mut layer = Descriptor::new(
            media_type::DOCKER_FOREIGN_LAYER_TAR_GZIP,
            Digest::sha256_of(b""),
            1,
        );
        assert!(!layer.is_elsewhere());
        layer.urls.push("https://example.com/layer".to_owned());
        assert!(layer.is_elsewhere());
        layer.media_type = media_type::OCI_LAYER_TAR_GZIP.to_owned();
        assert!(!layer.is_elsewhere());
    }
}
