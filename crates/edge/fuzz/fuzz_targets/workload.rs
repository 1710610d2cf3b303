//! Any request line of the workload API: never a panic, and no id that leads out of its segment.
#![no_main]

use edge::workload::operation::{Operation, parse};
use http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str, &str)| {
    let (post, path, query) = input;
    let method = if post { Method::POST } else { Method::GET };
    if let Ok(
        Operation::Sign(caller)
        | Operation::Encrypt(caller)
        | Operation::Decrypt(caller)
        | Operation::ServerCertificate(caller),
    ) = parse(&method, path, Some(query))
    {
        assert!(!caller.module.contains('/') && !caller.generation.contains('/'));
    }
});
