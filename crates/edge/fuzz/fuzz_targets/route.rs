//! Any route on any body: never a panic, and the same answer twice.
#![no_main]

use bytes::Bytes;
use edge::message::{Message, Source};
use edge::routing::Router;
use edge::topic::Properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (condition, properties, body) = input;
    let text = format!("FROM /* WHERE {condition} INTO $upstream");
    let Ok(router) = Router::new([("r", text.as_str())]) else { return };
    let Ok(properties) = Properties::parse(properties) else { return };
    let message = Message {
        source: Source::Module {
            module: "m".into(),
            output: Some("o".into()),
        },
        properties: properties
            .with_system("contentType", "application/json")
            .with_system("contentEncoding", "utf-8"),
        payload: Bytes::copy_from_slice(body),
    };
    assert_eq!(router.deliveries(&message), router.deliveries(&message));
});
