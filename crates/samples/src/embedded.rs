//! What `build.rs` put in: the program of each platform and the files of each offer.

/// Publisher, offer, and the files of its folder by relative path.
pub(crate) type EmbeddedOffer = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static [u8])],
);

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The sample program for a platform.
pub(crate) fn binary(platform: &str) -> Option<&'static [u8]> {
    let found = BINARIES.iter().find(|(known, _)| *known == platform);
    found.map(|(_, bytes)| *bytes)
}
