//! Any bytes as a logo: never a panic or much memory; what passes for one slot has its size and passes for no other.
#![no_main]

use domain::logo;
use domain::offer::LogoSlot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let passed = LogoSlot::ALL.into_iter().filter(|slot| logo::check(*slot, bytes).is_ok()).count();
    assert!(passed <= 1);
    if let Ok(derived) = logo::derive(bytes) {
        for (slot, picture) in derived {
            logo::check(slot, &picture).unwrap_or_else(|error| panic!("{slot:?}: {error}"));
        }
    }
});
