//! Any text as `offer.yaml`: never a panic; what is read, is checked, and written again reads back equal.
#![no_main]

use domain::matrix::Matrix;
use libfuzzer_sys::fuzz_target;

// The reader is pure; its crate (`app`) is too large to build for fuzzing.
#[path = "../../../app/src/folder.rs"]
mod folder;

fuzz_target!(|text: &str| {
    let read = |yaml: &str, html: &str, overlay: Option<&[u8]>| {
        folder::read_folder(|path| {
            Ok(match path {
                "offer.yaml" => Some(yaml.as_bytes().to_vec()),
                "description.html" => Some(html.as_bytes().to_vec()),
                "certify.yaml" => overlay.map(<[u8]>::to_vec),
                other => {
                    assert!(!other.split('/').any(|part| part == ".."), "{other}");
                    None
                }
            })
        })
    };
    let Ok(found) = read(text, "<p>From the file</p>", None) else {
        return;
    };
    let _ = domain::complete::check(&found.offer, &Matrix::default());
    let files = folder::write_folder(&found.offer, &found.logos).expect("an offer that was read can be written");
    let yaml = String::from_utf8(files[0].1.clone()).expect("YAML is text");
    let html = String::from_utf8(files[1].1.clone()).expect("HTML is text");
    let overlay = files.iter().find(|(name, _)| name == "certify.yaml");
    let again = read(&yaml, &html, overlay.map(|(_, bytes)| bytes.as_slice())).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let mut plain = found.offer.clone();
    for slot in domain::offer::LogoSlot::ALL {
        // Files that the folder does not have are not named when it is written.
        plain.listing.logos.set(slot, String::new());
    }
    assert_eq!(again.offer, plain, "{yaml}");
});
