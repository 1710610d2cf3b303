//! A condition, properties and a body, a line each: never a panic, and the same answer twice.
#![no_main]

use bytes::Bytes;
use edge::message::{Message, Source};
use edge::routing::Router;
use edge::topic::Properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let route = format!("FROM /* WHERE {} INTO $upstream", next());
    let Ok(router) = Router::new([("r", route.as_str())]) else { return };
    let Ok(properties) = Properties::parse(next()) else { return };
    let message = Message {
        source: Source::Module {
            module: "m".into(),
            output: Some("o".into()),
        },
        properties: properties
            .with_system("contentType", "application/json")
            .with_system("contentEncoding", "utf-8"),
        payload: Bytes::copy_from_slice(next().as_bytes()),
    };
    assert_eq!(router.deliveries(&message), router.deliveries(&message));
});
