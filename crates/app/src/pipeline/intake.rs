//! What a container engine may be given. It unpacks whatever it gets, so it gets only images that its machine can run, that
//! somebody looked into layer by layer, and that there is room for. The same for certification and for the lint.

use certify::Contents;
use edge::runner::Engine;
use oci::{Manifest, Platform, media_type};

/// Bytes that an entry of a layer takes on a disk beside its content, empty ones too.
const ENTRY_BYTES: u64 = 4096;

/// Whether an engine may be given an image, of which a walk over the layers found `contents`; `unpacked_bytes_max` is what
/// there is room for.
///
/// # Errors
/// Why not.
pub fn may_be_loaded(
    engine: &Engine,
    platform: &Platform,
    manifest: &Manifest,
    contents: &Result<Contents, String>,
    unpacked_bytes_max: u64,
) -> Result<(), String> {
    let can_run = engine.can_run(&platform.to_string());
    can_run.map_err(|why| why.to_string())?;
    let mut layers = manifest.layers().iter();
    if layers.any(|layer| media_type::is_nondistributable(&layer.media_type)) {
        return Err("a layer of the image may not be handed on, so nobody looks into it; build the image without".to_owned());
    }
    let contents = contents.as_ref();
    let contents =
        contents.map_err(|why| format!("its image is not given to the engine: {why}"))?;
    let entries = contents.files.saturating_mul(ENTRY_BYTES);
    let unpacked = contents.unpacked_bytes.saturating_add(entries);
    if unpacked > unpacked_bytes_max {
        return Err(format!(
            "its image takes {unpacked} bytes unpacked, {ENTRY_BYTES} for each of its {} entries included, and {unpacked_bytes_max} at most are given to the engine (certification.image_unpacked_bytes_max); make it smaller",
            contents.files
        ));
    }
    Ok(())
}
