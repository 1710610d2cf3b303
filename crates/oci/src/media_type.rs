//! The media types of images, in the OCI and the Docker spelling, and which of them are manifests.

/// image-spec image-manifest.md.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// image-spec image-index.md.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's withdrawn schema 1; never accepted.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker's withdrawn signed schema 1; never accepted.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// image-spec config.md.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker's image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The two bytes `{}`, stand-in for a configuration.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A layer as a plain tar.
pub const OCI_LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer as a gzipped tar.
pub const OCI_LAYER_TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer as a zstd tar.
pub const OCI_LAYER_TAR_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Docker's plain tar layer.
pub const DOCKER_LAYER_TAR: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// Docker's gzipped tar layer.
pub const DOCKER_LAYER_TAR_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker's zstd tar layer, as newer builders write it.
pub const DOCKER_LAYER_TAR_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/// Docker's layer that stays with its maker.
pub const DOCKER_FOREIGN_LAYER_TAR_GZIP: &str =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// OCI's layer that stays with its maker, plain (deprecated by image-spec 1.1, still met).
pub const OCI_NONDISTRIBUTABLE_TAR: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// OCI's layer that stays with its maker, gzipped.
pub const OCI_NONDISTRIBUTABLE_TAR_GZIP: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/// The four manifest types accepted, in the order in which an `Accept` header names them.
pub const MANIFESTS: [&str; 4] = [
    OCI_INDEX,
    DOCKER_MANIFEST_LIST,
    OCI_MANIFEST,
    DOCKER_MANIFEST,
];

/// What a manifest describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestKind {
    /// One image (or artifact): a configuration and layers.
    Image,
    /// A list of manifests, usually one a platform.
    Index,
}

/// The kind of manifest that `media_type` names; `None` for anything but the four manifest types. Parameters and letter
/// case are ignored, as in a `Content-Type` header.
#[must_use]
pub fn kind_of(media_type: &str) -> Option<ManifestKind> {
    canonical_manifest(media_type).map(|name| match name {
        OCI_INDEX | DOCKER_MANIFEST_LIST => ManifestKind::Index,
        _ => ManifestKind::Image,
    })
}

/// The part of a `Content-Type` before its parameters.
#[must_use]
pub fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether layers of this type stay with their maker and are fetched from the descriptor's `urls`.
#[must_use]
pub fn is_nondistributable(media_type: &str) -> bool {
    media_type.starts_with(OCI_NONDISTRIBUTABLE_TAR) || media_type.contains(".rootfs.foreign.diff.")
}

/// Whether the type names an image configuration that [`crate::ImageConfig`] can read.
#[must_use]
pub fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG)
}

/// The constant that equals `content_type` without parameters, ignoring case.
pub(crate) fn canonical_manifest(content_type: &str) -> Option<&'static str> {
    let name = essence(content_type);
    MANIFESTS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_types_are_manifests() {
        assert_eq!(kind_of(OCI_MANIFEST), Some(ManifestKind::Image));
        assert_eq!(kind_of(DOCKER_MANIFEST), Some(ManifestKind::Image));
        assert_eq!(kind_of(OCI_INDEX), Some(ManifestKind::Index));
        assert_eq!(kind_of(DOCKER_MANIFEST_LIST), Some(ManifestKind::Index));
        assert_eq!(
            kind_of("Application/vnd.OCI.image.index.v1+JSON; charset=utf-8"),
            Some(ManifestKind::Index)
        );
        for other in [
            "",
            "application/json",
            DOCKER_SCHEMA1,
            DOCKER_SCHEMA1_SIGNED,
            OCI_CONFIG,
            "text/html",
        ] {
            assert_eq!(kind_of(other), None, "{other}");
        }
    }

    #[test]
    fn foreign_layers() {
        for foreign in [
            DOCKER_FOREIGN_LAYER_TAR_GZIP,
            OCI_NONDISTRIBUTABLE_TAR,
            OCI_NONDISTRIBUTABLE_TAR_GZIP,
        ] {
            assert!(is_nondistributable(foreign));
        }
        assert!(!is_nondistributable(OCI_LAYER_TAR_GZIP));
        assert!(!is_nondistributable(DOCKER_LAYER_TAR_GZIP));
    }
}
