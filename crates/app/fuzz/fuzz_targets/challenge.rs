//! Any `WWW-Authenticate` of a publisher's registry: never a panic, no endless reading, and no more than what was sent.
#![no_main]
#![expect(dead_code, reason = "the module has more than is fuzzed")]

#[path = "../../src/upstream/challenge.rs"]
mod challenge;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let found = challenge::parse(text);
    let schemes: usize = found.iter().map(|one| one.scheme.len()).sum();
    assert!(schemes <= text.len());
    for one in &found {
        assert!(!one.scheme.is_empty() && one.scheme == one.scheme.to_ascii_lowercase());
        for name in ["realm", "service", "scope"] {
            assert!(one.parameter(name).is_none_or(|value| value.len() <= text.len()));
        }
    }
});
