//! Any request line: never a panic, and no accepted name steps upwards.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (method, path, query) = input;
    if let Ok(operation) = oci::Operation::parse(method, path, Some(query))
        && let Some(repository) = operation.repository()
    {
        assert!(repository.components().all(|part| !part.is_empty() && part != "." && part != ".."));
    }
});
