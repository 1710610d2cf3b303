//! MQTT 3.1.1, as much of it as an edge hub speaks: every packet but the QoS 2 ones, decoded from and encoded to
//! bytes, without a socket.
//!
//! The codec is our own and small, because a refused packet is evidence in a certification report: it must say which
//! rule of the standard was broken and on which packet, and it must refuse a length before any byte is kept. The
//! brokers' codecs of the field hang up and keep the reason to themselves. Left out: QoS 2, MQTT 5, wills (decoded,
//! never acted on) and what topics mean ([`crate::topic`]).

mod decode;
mod encode;
mod error;
mod packet;

pub use decode::decode;
pub use encode::encode;
pub use error::MqttError;
pub use packet::{Connect, ConnectCode, Packet, Publish, Qos, Will};

/// Largest packet a module may send, fixed header apart: a message of 256 KiB, its topic, and what belongs to them.
pub const PACKET_BYTES_MAX: usize = 256 * 1024 + 64 * 1024 + 16;

/// Bytes of a text, a topic for one: its length has two bytes (§1.5.3).
pub const TEXT_BYTES_MAX: usize = 65_535;

/// Topic filters in one SUBSCRIBE or UNSUBSCRIBE.
pub const FILTERS_MAX: usize = 64;

#[cfg(test)]
mod tests;
