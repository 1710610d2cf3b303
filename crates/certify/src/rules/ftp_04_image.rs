//! FTP-04: two versions of the image fit 2 GB of a device's storage.

use super::trial::{missing, readable_bytes};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "FTP-04",
    title: "Two versions of the image fit 2 GB of a device's storage",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "An update holds the old image and the new one at once; a device with little flash cannot take it \
          otherwise.",
    fix: "Use a smaller base image, and copy only what the module needs to run.",
    check,
};

/// Storage for two versions, in bytes.
const STORAGE_BYTES_MAX: u64 = 2_000_000_000;

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| match &observed.image {
        None => missing(observed, place, "the image was not measured"),
        Some(image) => {
            let unpacked = readable_bytes(image.unpacked_bytes);
            let seen = match image.compressed_bytes {
                Some(bytes) => format!("{} pulled, {unpacked} unpacked", readable_bytes(bytes)),
                None => format!("{unpacked} unpacked"),
            };
            if image.unpacked_bytes.saturating_mul(2) > STORAGE_BYTES_MAX {
                Outcome::failed(place, seen)
            } else {
                Outcome::passed(place, seen)
            }
        }
    })
}
