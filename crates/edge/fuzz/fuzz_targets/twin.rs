//! Patches, one a line: never a panic, a refused one changes nothing, and the section stays within its limits.
#![no_main]

use edge::twin::{DOCUMENT_BYTES_MAX, Twin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut twin = Twin::new(&serde_json::Map::new()).expect("empty");
    for patch in bytes.split(|byte| *byte == b'\n').take(16) {
        let before = twin.clone();
        if twin.report(patch).is_err() {
            assert_eq!(twin, before);
        }
        let bytes = serde_json::to_string(twin.reported()).expect("JSON").len();
        assert!(bytes <= DOCUMENT_BYTES_MAX);
    }
});
