//! Any text as a description: what is left holds only the allowed elements without attributes, and cleaning it again
//! changes nothing.
#![no_main]

use domain::html::{ELEMENTS, clean, last_paragraph, plain_text, refused_elements};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = refused_elements(text);
    let cleaned = clean(text);
    assert_eq!(clean(&cleaned), cleaned, "{text:?}");
    for piece in cleaned.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("{cleaned:?} has an open tag"));
        let name = tag.strip_prefix('/').unwrap_or(tag);
        assert!(ELEMENTS.contains(&name), "<{tag}> in {cleaned:?}");
    }
    assert_eq!(refused_elements(&cleaned), Vec::<String>::new());
    let _ = (plain_text(&cleaned), last_paragraph(&cleaned));
});
