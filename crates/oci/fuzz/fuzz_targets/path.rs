//! Any request line: never a panic, and no accepted name steps upwards. Lines of the input: method, path, query.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query) = (line(), line(), line());
    if let Ok(operation) = oci::Operation::parse(method, path, Some(query))
        && let Some(repository) = operation.repository()
    {
        assert!(repository.components().all(|part| !part.is_empty() && part != "." && part != ".."));
        assert!(path.contains(repository.as_str()) || path.contains('%'), "{path:?} names {repository}");
    }
});
