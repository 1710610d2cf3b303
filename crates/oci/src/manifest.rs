//! Image manifests and indexes, with the exact bytes they came in.
//!
//! Four types are known (OCI and Docker, image and index); everything else is refused by name. The document is read
//! once, strictly enough that no other client can read it differently. Whether the things it points at exist, and
//! whether a nested index may be followed, is the caller's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::descriptor::{Descriptor, null_is_empty};
use crate::digest::{Digest, DigestAlgorithm};
use crate::error_code::ErrorCode;
use crate::excerpt::excerpt;
use crate::json::{self, JsonError, Known};
use crate::media_type::{self, ManifestKind};
use crate::platform::Platform;

/// The largest manifest, in bytes (distribution-spec "Pushing manifests": at least 4 MB must be accepted).
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most descriptors in one manifest: layers of an image, children of an index.
pub const DESCRIPTORS_MAX: usize = 2_000;

const KNOWN: Known = Known {
    keys: &[
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "subject",
        "artifactType",
        "annotations",
        "digest",
        "size",
        "urls",
        "data",
        "platform",
        "architecture",
        "os",
        "variant",
    ],
    objects: &["config", "subject", "platform"],
    lists: &["layers", "manifests"],
};

/// Why bytes are not an acceptable manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Over [`MANIFEST_BYTES_MAX`].
    #[error("manifest may have {MANIFEST_BYTES_MAX} bytes, found {found}")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// The type is none of the four.
    #[error(
        "manifest type '{found}' is not accepted; use an OCI image manifest or index, or Docker's schema 2 manifest or list"
    )]
    UnknownType {
        /// The type, shortened.
        found: String,
    },
    /// Docker's withdrawn first format.
    #[error(
        "Docker schema 1 manifests are not accepted; push the image again with a current client (schema 2 or OCI)"
    )]
    Schema1,
    /// `mediaType` in the document and the stated content type differ.
    #[error(
        "manifest was sent as '{content_type}' but its mediaType field says '{field}'; the two must agree"
    )]
    TypeDisagrees {
        /// From the header.
        content_type: String,
        /// From the document, shortened.
        field: String,
    },
    /// Neither header nor document tells the type.
    #[error(
        "manifest tells its type neither in Content-Type nor in mediaType, and its fields fit neither an image nor an index"
    )]
    NoType,
    /// `schemaVersion` is not 2.
    #[error("manifest schemaVersion must be 2, found {found}")]
    SchemaVersion {
        /// What was found, `nothing` when absent.
        found: String,
    },
    /// A required field is absent.
    #[error("{kind} needs the field '{field}'")]
    Missing {
        /// What the document is.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field of the other kind is present: readers could disagree on what this is.
    #[error(
        "{kind} must not have the field '{field}': clients would disagree on what it is; remove it"
    )]
    Ambiguous {
        /// What the document is.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Over [`DESCRIPTORS_MAX`].
    #[error("manifest field '{field}' may have {DESCRIPTORS_MAX} entries, found {found}")]
    TooManyDescriptors {
        /// The list.
        field: &'static str,
        /// Entries found.
        found: usize,
    },
    /// Not JSON, or a value of the wrong type; tells line and column.
    #[error("manifest: {0}")]
    Json(#[from] JsonError),
}

impl ManifestError {
    /// The code for the registry's error envelope.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::SizeInvalid,
            _ => ErrorCode::ManifestInvalid,
        }
    }
}

/// A manifest: its parsed form and its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// One of [`media_type::MANIFESTS`].
    pub media_type: String,
    /// Exactly what was received; serve these, never a re-serialisation.
    pub bytes: Arc<[u8]>,
    /// The sha256 digest of `bytes`; see [`Manifest::digest_with`] for sha512.
    pub digest: Digest,
    /// What the bytes say.
    pub body: ManifestBody,
}

/// The content of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestBody {
    /// One image or artifact.
    Image {
        /// The configuration.
        config: Descriptor,
        /// The layers, lowest first; may be empty.
        layers: Vec<Descriptor>,
        /// The manifest this one refers to.
        subject: Option<Descriptor>,
        /// The artifact type.
        artifact_type: Option<String>,
        /// Free remarks.
        annotations: BTreeMap<String, String>,
    },
    /// A list of manifests.
    Index {
        /// The children; may be empty.
        manifests: Vec<Descriptor>,
        /// The manifest this one refers to.
        subject: Option<Descriptor>,
        /// The artifact type.
        artifact_type: Option<String>,
        /// Free remarks.
        annotations: BTreeMap<String, String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    schema_version: Option<serde_json::Value>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "present")]
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "present")]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    subject: Option<Descriptor>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "present")]
    fs_layers: Option<serde::de::IgnoredAny>,
}

/// Tells an absent field (`None`) from `null` (`Some` of the empty value).
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    null_is_empty(deserializer).map(Some)
}

impl Manifest {
    /// Reads a manifest. `content_type` is the `Content-Type` header (parameters are ignored) when there was one;
    /// without it the document's own `mediaType` counts, and without that its shape.
    ///
    /// # Errors
    /// See [`ManifestError`]; nothing is read past [`MANIFEST_BYTES_MAX`].
    pub fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLarge { found: bytes.len() });
        }
        let stated = content_type.map(known_type).transpose()?;
        json::check(bytes, KNOWN)?;
        let document: Document = serde_json::from_slice(bytes).map_err(JsonError::from)?;
        let media_type = document.agreed_type(stated)?;
        let body = document.into_body(media_type)?;
        Ok(Self {
            media_type: media_type.to_owned(),
            bytes: bytes.into(),
            digest: Digest::sha256_of(bytes),
            body,
        })
    }

    /// Image or index.
    #[must_use]
    pub const fn kind(&self) -> ManifestKind {
        match self.body {
            ManifestBody::Image { .. } => ManifestKind::Image,
            ManifestBody::Index { .. } => ManifestKind::Index,
        }
    }

    /// The digest of the exact bytes under another algorithm.
    #[must_use]
    pub fn digest_with(&self, algorithm: DigestAlgorithm) -> Digest {
        match algorithm {
            DigestAlgorithm::Sha256 => self.digest.clone(),
            DigestAlgorithm::Sha512 => Digest::of(algorithm, &self.bytes),
        }
    }

    /// The blobs that must be in the repository: configuration, then layers, in order and with repetitions. Foreign
    /// layers with addresses are left out, since their maker serves them.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers) = match &self.body {
            ManifestBody::Image { config, layers, .. } => (Some(config), layers.as_slice()),
            ManifestBody::Index { .. } => (None, &[][..]),
        };
        config
            .into_iter()
            .chain(layers)
            .filter(|descriptor| !descriptor.is_elsewhere())
    }

    /// The configuration of an image.
    #[must_use]
    pub const fn config(&self) -> Option<&Descriptor> {
        match &self.body {
            ManifestBody::Image { config, .. } => Some(config),
            ManifestBody::Index { .. } => None,
        }
    }

    /// The layers of an image, foreign ones included; none for an index.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        match &self.body {
            ManifestBody::Image { layers, .. } => layers,
            ManifestBody::Index { .. } => &[],
        }
    }

    /// The manifests an index lists; none for an image.
    #[must_use]
    pub fn children(&self) -> &[Descriptor] {
        match &self.body {
            ManifestBody::Image { .. } => &[],
            ManifestBody::Index { manifests, .. } => manifests,
        }
    }

    /// Layers and children: what it lists.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.layers().len() + self.children().len()
    }

    /// The manifest this one refers to (distribution-spec "Listing referrers").
    #[must_use]
    pub const fn subject(&self) -> Option<&Descriptor> {
        match &self.body {
            ManifestBody::Image { subject, .. } | ManifestBody::Index { subject, .. } => {
                subject.as_ref()
            }
        }
    }

    /// The annotations of the document itself.
    #[must_use]
    pub const fn annotations(&self) -> &BTreeMap<String, String> {
        match &self.body {
            ManifestBody::Image { annotations, .. } | ManifestBody::Index { annotations, .. } => {
                annotations
            }
        }
    }

    /// The artifact type as a referrers list shows it: the field, else an image's configuration type, else none.
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        match &self.body {
            ManifestBody::Image {
                artifact_type,
                config,
                ..
            } => Some(
                artifact_type
                    .as_deref()
                    .filter(|text| !text.is_empty())
                    .unwrap_or(&config.media_type),
            ),
            ManifestBody::Index { artifact_type, .. } => {
                artifact_type.as_deref().filter(|text| !text.is_empty())
            }
        }
    }

    /// The platforms an index offers: normalised, in order, each once, attestations left out. Empty for an image, whose
    /// platform stands in its configuration.
    #[must_use]
    pub fn platforms(&self) -> Vec<Platform> {
        let mut platforms = Vec::new();
        for platform in self
            .children()
            .iter()
            .filter_map(|child| child.platform.as_ref())
        {
            let platform = platform.normalized();
            if !platform.is_unknown() && !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        platforms
    }
}

fn known_type(text: &str) -> Result<&'static str, ManifestError> {
    let name = media_type::essence(text);
    if name.eq_ignore_ascii_case(media_type::DOCKER_SCHEMA1)
        || name.eq_ignore_ascii_case(media_type::DOCKER_SCHEMA1_SIGNED)
    {
        return Err(ManifestError::Schema1);
    }
    media_type::canonical_manifest(text).ok_or_else(|| ManifestError::UnknownType {
        found: excerpt(text),
    })
}

impl Document {
    /// The one type that header and document agree on.
    fn agreed_type(&self, stated: Option<&'static str>) -> Result<&'static str, ManifestError> {
        let schema1 = self
            .schema_version
            .as_ref()
            .and_then(serde_json::Value::as_u64)
            == Some(1);
        if schema1 || self.fs_layers.is_some() {
            return Err(ManifestError::Schema1);
        }
        match (
            stated,
            self.media_type.as_deref().filter(|field| !field.is_empty()),
        ) {
            (Some(stated), Some(field)) if stated != field => Err(ManifestError::TypeDisagrees {
                content_type: stated.to_owned(),
                field: excerpt(field),
            }),
            (Some(stated), _) => Ok(stated),
            (None, Some(field)) => known_type(field),
            (None, None) if self.manifests.is_some() => Ok(media_type::OCI_INDEX),
            (None, None) if self.config.is_some() => Ok(media_type::OCI_MANIFEST),
            (None, None) => Err(ManifestError::NoType),
        }
    }

    fn into_body(self, media_type: &str) -> Result<ManifestBody, ManifestError> {
        if self
            .schema_version
            .as_ref()
            .and_then(serde_json::Value::as_u64)
            != Some(2)
        {
            let found = self
                .schema_version
                .map_or_else(|| "nothing".to_owned(), |value| excerpt(&value.to_string()));
            return Err(ManifestError::SchemaVersion { found });
        }
        let Self {
            config,
            layers,
            manifests,
            subject,
            artifact_type,
            annotations,
            ..
        } = self;
        if media_type::kind_of(media_type) == Some(ManifestKind::Index) {
            let kind = "an image index";
            if config.is_some() {
                return Err(ManifestError::Ambiguous {
                    kind,
                    field: "config",
                });
            }
            if layers.is_some() {
                return Err(ManifestError::Ambiguous {
                    kind,
                    field: "layers",
                });
            }
            let manifests = bounded("manifests", kind, manifests)?;
            return Ok(ManifestBody::Index {
                manifests,
                subject,
                artifact_type,
                annotations,
            });
        }
        let kind = "an image manifest";
        if manifests.is_some() {
            return Err(ManifestError::Ambiguous {
                kind,
                field: "manifests",
            });
        }
        let config = config.ok_or(ManifestError::Missing {
            kind,
            field: "config",
        })?;
        let layers = bounded("layers", kind, layers)?;
        Ok(ManifestBody::Image {
            config,
            layers,
            subject,
            artifact_type,
            annotations,
        })
    }
}

fn bounded(
    field: &'static str,
    kind: &'static str,
    list: Option<Vec<Descriptor>>,
) -> Result<Vec<Descriptor>, ManifestError> {
    let list = list.ok_or(ManifestError::Missing { kind, field })?;
    if list.len() > DESCRIPTORS_MAX {
        return Err(ManifestError::TooManyDescriptors {
            field,
            found: list.len(),
        });
    }
    Ok(list)
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
