//! Any `Range` header: every part lies inside the content, and together they are no more than the whole. Lines of the
//! input: length, header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::range::{Ranges, UploadRange};

fuzz_target!(|text: &str| {
    let (length, header) = text.split_once('\n').unwrap_or(("10", text));
    let length: u64 = length.parse().unwrap_or(10);
    if let Ranges::Partial(ranges) = Ranges::parse(Some(header), length) {
        assert!(!ranges.is_empty());
        let mut total = 0_u64;
        for range in ranges {
            assert!(range.first <= range.last && range.last < length);
            total = total.checked_add(range.len()).expect("more than the whole");
        }
        assert!(total <= length);
    }
    if let Ok(range) = header.parse::<UploadRange>() {
        assert_eq!(range.to_string().parse(), Ok(range));
    }
});
