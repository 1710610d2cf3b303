//! Any text as a deployment: writing gives back the very text, its value reads back equal, and checking ends.
#![no_main]

use domain::deployment::{Document, PROBLEMS_MAX, validate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else {
        return;
    };
    assert_eq!(document.write(), text);
    assert!(validate(&document).len() <= PROBLEMS_MAX + 1);
    let again = Document::from_value(document.value());
    let read = Document::parse(again.write()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!(read.value(), document.value());
    assert_eq!(read.kind(), document.kind());
});
