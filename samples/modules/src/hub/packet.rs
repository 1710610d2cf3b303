//! As much of MQTT 3.1.1 as a module speaks: packets out as bytes, bytes in as packets.
//!
//! QoS 0 and 1; nothing of QoS 2, retained messages and wills, which the edge hub does not offer.

/// Longest packet taken in: a message has at most 256 KiB, and its topic at most 64.
const PACKET_BYTES_MAX: usize = 512 * 1024;
/// Longest text of a packet.
const TEXT_BYTES_MAX: usize = 65_535;

/// A packet of the hub.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet {
    ConnAck {
        session_present: bool,
        code: u8,
    },
    Publish(Publish),
    PubAck(u16),
    /// Number of the subscription, and what was granted: 0, 1 or 0x80 for a refusal.
    SubAck(u16, Vec<u8>),
    PingResp,
}

/// A message of the hub.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    /// To be acknowledged under this number.
    pub id: Option<u16>,
}

/// The first packet of a connection; the session stays when it ends.
pub fn connect(client_id: &str, user: &str, password: &str, keep_alive: u16) -> Vec<u8> {
    let mut body = Vec::new();
    put_text(&mut body, "MQTT");
    // Level 4; user name and password, no clean session.
    body.extend_from_slice(&[4, 0b1100_0000]);
    body.extend_from_slice(&keep_alive.to_be_bytes());
    for text in [client_id, user, password] {
        put_text(&mut body, text);
    }
    packet(0x10, &body)
}

/// A message; with a number it is repeated until it is acknowledged, marked as a repetition.
pub fn publish(topic: &str, payload: &[u8], id: Option<u16>, again: bool) -> Vec<u8> {
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    put_text(&mut body, topic);
    if let Some(id) = id {
        body.extend_from_slice(&id.to_be_bytes());
    }
    body.extend_from_slice(payload);
    let first = 0x30 | u8::from(again) << 3 | u8::from(id.is_some()) << 1;
    packet(first, &body)
}

/// Asks for topics, at QoS 1.
pub fn subscribe(id: u16, filters: &[String]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    for filter in filters {
        put_text(&mut body, filter);
        body.push(1);
    }
    packet(0x82, &body)
}

/// Acknowledges a message.
pub fn pub_ack(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

/// A sign of life.
pub const PING_REQ: [u8; 2] = [0xc0, 0];
/// Goodbye.
pub const DISCONNECT: [u8; 2] = [0xe0, 0];

fn put_text(body: &mut Vec<u8>, text: &str) {
    // Only names of the environment and short outputs come here; what is longer is cut, and the hub refuses it.
    let text = &text.as_bytes()[..text.len().min(TEXT_BYTES_MAX)];
    body.extend_from_slice(&(text.len() as u16).to_be_bytes());
    body.extend_from_slice(text);
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        bytes.push(digit | u8::from(left > 0) << 7);
        if left == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// Takes the first packet out of what was received; None while it is not whole.
pub fn take(received: &mut Vec<u8>) -> Result<Option<Packet>, String> {
    let Some((head, length)) = size(received)? else {
        return Ok(None);
    };
    if received.len() < head + length {
        return Ok(None);
    }
    let first = received[0];
    let packet = read(first, &received[head..head + length]);
    received.drain(..head + length);
    packet.map(Some)
}

/// Bytes of the fixed header and of the rest.
fn size(received: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let mut length = 0;
    for at in 1..=4 {
        let Some(digit) = received.get(at) else {
            return Ok(None);
        };
        length |= usize::from(digit & 127) << (7 * (at - 1));
        if digit & 128 == 0 {
            return if length <= PACKET_BYTES_MAX {
                Ok(Some((at + 1, length)))
            } else {
                Err(format!("the hub announced a packet of {length} bytes"))
            };
        }
    }
    Err("the hub sent a length that is none".to_owned())
}

fn read(first: u8, body: &[u8]) -> Result<Packet, String> {
    let short = || format!("a packet 0x{first:02x} of the hub is too short");
    let number = |at: usize| {
        body.get(at..at + 2)
            .map(|two| u16::from_be_bytes([two[0], two[1]]))
            .ok_or_else(short)
    };
    match first >> 4 {
        2 => match body {
            [flags, code] => Ok(Packet::ConnAck {
                session_present: flags & 1 == 1,
                code: *code,
            }),
            _ => Err(short()),
        },
        3 => {
            let length = usize::from(number(0)?);
            let topic = body.get(2..2 + length).ok_or_else(short)?;
            let topic = std::str::from_utf8(topic)
                .map_err(|_| "a topic of the hub is no text".to_owned())?;
            let (id, rest) = match first >> 1 & 3 {
                0 => (None, 2 + length),
                1 => (Some(number(2 + length)?), 4 + length),
                other => return Err(format!("the hub sent a message at QoS {other}")),
            };
            Ok(Packet::Publish(Publish {
                topic: topic.to_owned(),
                payload: body[rest..].to_vec(),
                id,
            }))
        }
        4 => number(0).map(Packet::PubAck),
        9 => Ok(Packet::SubAck(number(0)?, body[2..].to_vec())),
        13 => Ok(Packet::PingResp),
        _ => Err(format!(
            "the hub sent a packet 0x{first:02x} that is not for a module"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_as_the_standard_writes_them() {
        let bytes = connect("d/m", "h/d/m", "p", 60);
        assert_eq!(
            bytes[..14],
            [0x10, 25, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xc0, 0, 60, 0, 3]
        );
        assert_eq!(
            publish("a", b"xy", Some(7), true),
            [0x3a, 7, 0, 1, b'a', 0, 7, b'x', b'y']
        );
        assert_eq!(publish("a", b"", None, false), [0x30, 3, 0, 1, b'a']);
        assert_eq!(
            subscribe(1, &["a".to_owned()]),
            [0x82, 6, 0, 1, 0, 1, b'a', 1]
        );
        assert_eq!(pub_ack(258), [0x40, 2, 1, 2]);
        let long = publish("a", &[0; 200], None, false);
        assert_eq!(long[..3], [0x30, 203 & 127 | 128, 1]);
    }

    #[test]
    fn packets_are_taken_from_a_stream() {
        let mut stream = vec![0x20, 2, 1, 0, 0x40, 2, 0, 9, 0xd0, 0, 0x90, 3, 0, 1, 0x80];
        stream.extend(publish("t/ü", b"body", Some(3), false));
        stream.extend(publish("t", b"", None, false));
        let mut read = Vec::new();
        let mut arrived = Vec::new();
        for byte in stream {
            arrived.push(byte);
            read.extend(take(&mut arrived).unwrap());
        }
        let message = |topic: &str, payload: &[u8], id| {
            Packet::Publish(Publish {
                topic: topic.to_owned(),
                payload: payload.to_vec(),
                id,
            })
        };
        let wanted = [
            Packet::ConnAck {
                session_present: true,
                code: 0,
            },
            Packet::PubAck(9),
            Packet::PingResp,
            Packet::SubAck(1, vec![0x80]),
            message("t/ü", b"body", Some(3)),
            message("t", b"", None),
        ];
        assert_eq!(read, wanted);
        assert!(arrived.is_empty());
    }

    #[test]
    fn what_is_no_packet_ends_the_connection() {
        for wrong in [
            &[0x30, 0xff, 0xff, 0xff, 0xff][..],
            &[0x30, 0xff, 0xff, 0xff, 0x7f],
            &[0x30, 1, 0],
            &[0x34, 5, 0, 1, b'a', 0, 1],
            &[0x20, 1, 0],
            &[0x10, 0],
            &[0x40, 1, 0],
            &[0x90, 1, 0],
            &[0x30, 3, 0, 1, 0xff],
        ] {
            assert!(take(&mut wrong.to_vec()).is_err(), "{wrong:?}");
        }
    }
}
