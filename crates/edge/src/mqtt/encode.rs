//! Packets to bytes.

use bytes::{BufMut, BytesMut};

use super::TEXT_BYTES_MAX;
use super::packet::{Connect, Packet, Publish, Qos};

/// Appends a packet to `out`.
///
/// Texts longer than [`TEXT_BYTES_MAX`] do not fit the format and are cut at a character; the hub sends none, because it
/// bounds each part of its topics.
pub fn encode(packet: &Packet, out: &mut BytesMut) {
    match packet {
        Packet::Connect(connect) => encode_connect(connect, out),
        Packet::ConnAck {
            session_present,
            code,
        } => out.put_slice(&[0x20, 2, u8::from(*session_present), code.number()]),
        Packet::Publish(publish) => encode_publish(publish, out),
        Packet::PubAck(id) => two(0x40, *id, out),
        Packet::UnsubAck(id) => two(0xB0, *id, out),
        Packet::PingReq => out.put_slice(&[0xC0, 0]),
        Packet::PingResp => out.put_slice(&[0xD0, 0]),
        Packet::Disconnect => out.put_slice(&[0xE0, 0]),
        Packet::Subscribe { id, filters } => {
            header(
                0x82,
                2 + filters.iter().map(|(f, _)| size(f) + 1).sum::<usize>(),
                out,
            );
            out.put_u16(*id);
            for (filter, qos) in filters {
                text(filter, out);
                out.put_u8(qos.number());
            }
        }
        Packet::SubAck { id, granted } => {
            header(0x90, 2 + granted.len(), out);
            out.put_u16(*id);
            for qos in granted {
                out.put_u8(qos.map_or(0x80, Qos::number));
            }
        }
        Packet::Unsubscribe { id, filters } => {
            header(
                0xA2,
                2 + filters.iter().map(|f| size(f)).sum::<usize>(),
                out,
            );
            out.put_u16(*id);
            for filter in filters {
                text(filter, out);
            }
        }
    }
}

fn encode_connect(connect: &Connect, out: &mut BytesMut) {
    let mut flags = u8::from(connect.clean_session) << 1;
    let mut length = 10 + size(&connect.client_id);
    if let Some(will) = &connect.will {
        flags |= 4 | will.qos.number() << 3 | u8::from(will.retain) << 5;
        length += size(&will.topic) + 2 + cut(&will.payload).len();
    }
    if let Some(username) = &connect.username {
        flags |= 0x80;
        length += size(username);
    }
    if let Some(password) = &connect.password {
        flags |= 0x40;
        length += 2 + cut(password).len();
    }
    header(0x10, length, out);
    text("MQTT", out);
    out.put_u8(4);
    out.put_u8(flags);
    out.put_u16(connect.keep_alive_seconds);
    text(&connect.client_id, out);
    if let Some(will) = &connect.will {
        text(&will.topic, out);
        binary(cut(&will.payload), out);
    }
    if let Some(username) = &connect.username {
        text(username, out);
    }
    if let Some(password) = &connect.password {
        binary(cut(password), out);
    }
}

fn encode_publish(publish: &Publish, out: &mut BytesMut) {
    let flags =
        u8::from(publish.duplicate) << 3 | publish.qos.number() << 1 | u8::from(publish.retain);
    let id_bytes = if publish.id.is_some() { 2 } else { 0 };
    let length = size(&publish.topic) + id_bytes + publish.payload.len();
    header(0x30 | flags, length, out);
    text(&publish.topic, out);
    if let Some(id) = publish.id {
        out.put_u16(id);
    }
    out.put_slice(&publish.payload);
}

fn two(first: u8, id: u16, out: &mut BytesMut) {
    out.put_slice(&[first, 2]);
    out.put_u16(id);
}

/// The fixed header: type and flags, then the length, seven bits a byte (§2.2.3).
fn header(first: u8, mut length: usize, out: &mut BytesMut) {
    out.reserve(length + 5);
    out.put_u8(first);
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

/// What fits a length of two bytes.
fn cut(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(TEXT_BYTES_MAX)]
}

fn cut_text(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

fn size(text: &str) -> usize {
    2 + cut_text(text).len()
}

fn text(text: &str, out: &mut BytesMut) {
    binary(cut_text(text).as_bytes(), out);
}

/// At most 65,535 bytes, as [`cut`] made them.
fn binary(bytes: &[u8], out: &mut BytesMut) {
    out.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    out.put_slice(bytes);
}
