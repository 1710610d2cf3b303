//! Any bytes as a manifest, a configuration and a layer: never a panic, and a manifest keeps its bytes.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use oci::layer::{LayerLimits, walk};
use oci::media_type::{MANIFESTS, OCI_LAYER_TAR, OCI_LAYER_TAR_GZIP};

fuzz_target!(|bytes: &[u8]| {
    for content_type in MANIFESTS.map(Some).into_iter().chain([None]) {
        if let Ok(manifest) = oci::Manifest::parse(content_type, bytes) {
            assert_eq!(&*manifest.bytes, bytes);
        }
    }
    let _ = oci::ImageConfig::parse(bytes);
    let limits = LayerLimits { entries_max: 1_000, unpacked_bytes_max: 1 << 20, path_bytes_max: 256 };
    for media_type in [OCI_LAYER_TAR, OCI_LAYER_TAR_GZIP] {
        let _ = walk(bytes, media_type, &limits, |entry, _| {
            assert!(entry.path.split('/').all(|part| part != ".."));
            ControlFlow::Continue(())
        });
    }
});
