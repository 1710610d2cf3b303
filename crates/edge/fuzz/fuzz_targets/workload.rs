//! A request line of the workload API as three lines, method, path and query: never a panic, and no id that leads out of
//! its segment.
#![no_main]

use edge::workload::operation::{Operation, parse};
use http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let method = match lines.next() {
        Some("POST") => Method::POST,
        _ => Method::GET,
    };
    let path = lines.next().unwrap_or_default();
    if let Ok(
        Operation::Sign(caller)
        | Operation::Encrypt(caller)
        | Operation::Decrypt(caller)
        | Operation::ServerCertificate(caller),
    ) = parse(&method, path, lines.next())
    {
        assert!(!caller.module.contains('/') && !caller.generation.contains('/'));
    }
});
