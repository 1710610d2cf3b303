//! Any `Range` header: every part lies inside the content, and together they are no more than the whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::range::{Ranges, UploadRange};

fuzz_target!(|input: (&str, u64)| {
    let (header, length) = input;
    if let Ranges::Partial(ranges) = Ranges::parse(Some(header), length) {
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
