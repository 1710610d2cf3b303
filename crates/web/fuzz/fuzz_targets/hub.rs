//! Any request to the Hub-shaped addresses: what is read keeps to its bounds, and a cursor of ours comes back as it was.
//! Lines of the input: path, query.
#![no_main]
#![expect(dead_code, reason = "the module has more than is fuzzed")]

#[path = "../../src/registry/hub/ask.rs"]
mod ask;

use ask::{Asked, Place, close_cursor};
use libfuzzer_sys::fuzz_target;

/// What `hub` calls an address or parameter that it cannot answer.
pub enum Missing {
    Nothing(&'static str),
    Parameter(String),
}

fuzz_target!(|text: &str| {
    let (path, query) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(Place::Tag(namespace, name, tag)) = Place::of(path) {
        assert!(!namespace.contains('/') && !tag.contains('/'));
        assert_eq!(name.matches('/').count(), 1, "{path:?}");
    }
    match Asked::read(query) {
        Ok(asked) => {
            assert!((1..=1_000_000).contains(&asked.page) && (1..=100).contains(&asked.page_size));
            for text in [&asked.name, &asked.ordering, &asked.query] {
                // Lower case may be longer than what it was made of.
                assert!(text.chars().count() <= 600);
            }
            if let Some(last) = &asked.cursor {
                let again = format!("cursor={}", close_cursor(last));
                let read = Asked::read(&again).ok().and_then(|asked| asked.cursor);
                assert_eq!(read.as_ref(), Some(last));
            }
        }
        Err(Missing::Parameter(told)) => assert!(told.chars().count() < 200, "{told}"),
        Err(Missing::Nothing(_)) => {}
    }
});
