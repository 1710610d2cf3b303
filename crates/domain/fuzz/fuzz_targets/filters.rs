//! Any words as filters of a search: categories are known by their own ids only, a platform that is read prints as one
//! that reads back the same, tags and versions likewise.
#![no_main]

use domain::ids::OfferKey;
use domain::tag::{ModuleTag, Version};
use domain::taxonomy::subcategory;
use libfuzzer_sys::fuzz_target;
use oci::Platform;

fuzz_target!(|text: &str| {
    for word in text.split(['&', ',', '=']) {
        if let Some(known) = subcategory(word) {
            assert_eq!(known.id, word);
        }
        if let Ok(platform) = word.parse::<Platform>() {
            let normal = platform.normalized();
            assert_eq!(normal.normalized(), normal, "{word:?}");
            assert_eq!(platform.to_string().parse::<Platform>().as_ref(), Ok(&platform), "{word:?}");
            assert!(platform.is_same(&normal), "{word:?}");
        }
        if let Ok(version) = word.parse::<Version>() {
            assert_eq!(version.to_string(), word);
        }
        let _ = word.parse::<ModuleTag>();
        if let Ok(key) = word.parse::<OfferKey>() {
            assert_eq!(key.to_string().parse().as_ref(), Ok(&key), "{word:?}");
        }
    }
});
