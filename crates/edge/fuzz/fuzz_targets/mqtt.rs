//! Any bytes as packets: never a panic, never more taken than there is, and what is read is written the same way.
#![no_main]

use bytes::BytesMut;
use edge::mqtt::{Packet, decode, encode};
use edge::topic::from_module;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut buffer = BytesMut::from(bytes);
    let mut left = buffer.len() + 1;
    while let Ok(Some(packet)) = decode(&mut buffer, 4096) {
        assert!(buffer.len() < left, "a packet took nothing");
        left = buffer.len();
        if let Packet::Publish(publish) = &packet {
            let _ = from_module(&publish.topic, "d", "m");
        }
        let mut written = BytesMut::new();
        encode(&packet, &mut written);
        assert_eq!(decode(&mut written, 4096), Ok(Some(packet)));
    }
});
