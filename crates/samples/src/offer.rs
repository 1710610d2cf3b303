//! The sample offers, each the files of an offers-as-code folder (`offer.yaml`, `description.html`, `logos/…`).
//!
//! The registry host they name (`registry.contoso.example` and the like) exists nowhere: who publishes them puts the
//! address of the registry seeded with [`crate::images`] in its place.

use crate::embedded::OFFERS;

/// One sample offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleOffer {
    /// Publisher id.
    pub publisher: &'static str,
    /// Offer id.
    pub offer: &'static str,
    /// Files of its folder by relative path with `/`, sorted.
    pub files: Vec<(&'static str, &'static [u8])>,
}

impl SampleOffer {
    /// A file of the folder, such as `logos/40x40.png`.
    pub fn file(&self, path: &str) -> Option<&'static [u8]> {
        self.files
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, bytes)| *bytes)
    }
}

/// Every sample offer, sorted by its folder's name.
pub fn offers() -> Vec<SampleOffer> {
    let offer =
        |(publisher, offer, files): &(&'static str, &'static str, &'static [_])| SampleOffer {
            publisher,
            offer,
            files: files.to_vec(),
        };
    OFFERS.iter().map(offer).collect()
}
