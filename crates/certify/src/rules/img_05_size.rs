//! IMG-05: images stay within a size and layer budget.

use crate::places::each_image;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{ImageEvidence, Subject};
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-05",
    title: "At most 1 GB and 40 layers for each platform",
    level: Level::Warn,
    waivable: true,
    sources: &["T-29", "edge-runtime §6.1"],
    why: "Devices pull over thin links onto small flash; every layer is a request, every gigabyte an hour.",
    fix: "Use a smaller base image, and copy only what the module needs to run.",
    check,
};

/// Largest image that does not warn, as pulled and unpacked, in bytes.
const IMAGE_BYTES_MAX: u64 = 1_000_000_000;
/// Most layers that do not warn.
const LAYERS_MAX: u32 = 40;

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, |_, image, place| {
        let unpacked = image
            .contents
            .as_ref()
            .map_or(0, |contents| contents.unpacked_bytes);
        let large = image.compressed_bytes.max(unpacked) > IMAGE_BYTES_MAX;
        if large || image.layers > LAYERS_MAX {
            Outcome::failed(place, measured(image, unpacked))
        } else {
            Outcome::passed(place, measured(image, unpacked))
        }
    })
}

fn measured(image: &ImageEvidence, unpacked: u64) -> String {
    let known = |bytes: u64, word| (bytes > 0).then(|| format!("{} {word}", readable(bytes)));
    let layers = usize::try_from(image.layers).unwrap_or(usize::MAX);
    let parts = [
        known(image.compressed_bytes, "pulled"),
        known(unpacked, "unpacked"),
        Some(counted(layers, "layer", "layers")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Bytes in the unit that reads best.
fn readable(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}
