//! Bytes to packets. Nothing is kept of a packet that is too large, and no field is trusted to fit.

use bytes::{Buf, Bytes, BytesMut};

use super::packet::{Connect, ConnectCode, Packet, Publish, Qos, Will};
use super::{FILTERS_MAX, MqttError};

/// Takes one packet from the front of `buffer`, or `None` while it is incomplete.
///
/// # Errors
/// The packet breaks the standard or is larger than `bytes_max`; the buffer is then of no more use.
pub fn decode(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Packet>, MqttError> {
    let Some((header_bytes, body_bytes)) = fixed_header(buffer)? else {
        return Ok(None);
    };
    if body_bytes > bytes_max {
        return Err(MqttError::Oversize {
            found: body_bytes,
            limit: bytes_max,
        });
    }
    let first = buffer[0];
    // Known by its first byte alone: a type that is not spoken is refused before its body is waited for.
    let name = name_of(first >> 4)?;
    check_flags(name, first)?;
    if buffer.len() < header_bytes + body_bytes {
        return Ok(None);
    }
    buffer.advance(header_bytes);
    let mut body = Body {
        packet: name,
        bytes: buffer.split_to(body_bytes).freeze(),
    };
    let packet = match first >> 4 {
        1 => connect(&mut body)?,
        2 => conn_ack(&mut body)?,
        3 => publish(&mut body, first & 0x0F)?,
        4 => Packet::PubAck(body.id()?),
        8 => subscribe(&mut body)?,
        9 => sub_ack(&mut body)?,
        10 => unsubscribe(&mut body)?,
        11 => Packet::UnsubAck(body.id()?),
        12 => Packet::PingReq,
        13 => Packet::PingResp,
        _ => Packet::Disconnect,
    };
    body.end()?;
    Ok(Some(packet))
}

/// Bytes of the fixed header and of the body, once both are known (§2.2.3).
fn fixed_header(buffer: &[u8]) -> Result<Option<(usize, usize)>, MqttError> {
    let mut length = 0_usize;
    for at in 0..4 {
        let Some(byte) = buffer.get(1 + at) else {
            return Ok(None);
        };
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((2 + at, length)));
        }
    }
    Err(MqttError::RemainingLength)
}

fn name_of(kind: u8) -> Result<&'static str, MqttError> {
    Ok(match kind {
        1 => "CONNECT",
        2 => "CONNACK",
        3 => "PUBLISH",
        4 => "PUBACK",
        8 => "SUBSCRIBE",
        9 => "SUBACK",
        10 => "UNSUBSCRIBE",
        11 => "UNSUBACK",
        12 => "PINGREQ",
        13 => "PINGRESP",
        14 => "DISCONNECT",
        other => return Err(MqttError::Type(other)),
    })
}

fn check_flags(packet: &'static str, first: u8) -> Result<(), MqttError> {
    let flags = first & 0x0F;
    let expected = match first >> 4 {
        3 => return Ok(()),
        8 | 10 => 0b0010,
        _ => 0,
    };
    if flags == expected {
        Ok(())
    } else {
        Err(MqttError::Flags { packet, flags })
    }
}

fn connect(body: &mut Body) -> Result<Packet, MqttError> {
    let name = body.text("protocol name")?;
    if name != "MQTT" {
        return Err(MqttError::ProtocolName(name.chars().take(20).collect()));
    }
    let level = body.byte("protocol level")?;
    if level != 4 {
        return Err(MqttError::ProtocolLevel(level));
    }
    let flags = body.byte("connect flags")?;
    let wrong = MqttError::Value {
        packet: "CONNECT",
        field: "connect flags",
        found: flags,
    };
    let (has_will, will_qos, will_retain) = (flags & 4 != 0, flags >> 3 & 3, flags & 0x20 != 0);
    let (has_password, has_username) = (flags & 0x40 != 0, flags & 0x80 != 0);
    if flags & 1 != 0
        || (!has_will && (will_qos != 0 || will_retain))
        || (has_password && !has_username)
    {
        return Err(wrong);
    }
    let keep_alive_seconds = body.u16("keep alive")?;
    let client_id = body.text("client identifier")?;
    let will = if has_will {
        Some(Will {
            topic: body.text("will topic")?,
            payload: body.binary("will message")?,
            qos: qos("CONNECT", will_qos)?,
            retain: will_retain,
        })
    } else {
        None
    };
    let username = has_username.then(|| body.text("user name")).transpose()?;
    let password = has_password.then(|| body.binary("password")).transpose()?;
    Ok(Packet::Connect(Box::new(Connect {
        client_id,
        clean_session: flags & 2 != 0,
        keep_alive_seconds,
        username,
        password,
        will,
    })))
}

fn conn_ack(body: &mut Body) -> Result<Packet, MqttError> {
    let flags = body.byte("acknowledge flags")?;
    let number = body.byte("return code")?;
    let value = |field, found| MqttError::Value {
        packet: "CONNACK",
        field,
        found,
    };
    let code = ConnectCode::of(number).ok_or(value("return code", number))?;
    if flags > 1 {
        return Err(value("acknowledge flags", flags));
    }
    Ok(Packet::ConnAck {
        session_present: flags == 1,
        code,
    })
}

fn publish(body: &mut Body, flags: u8) -> Result<Packet, MqttError> {
    let qos = qos("PUBLISH", flags >> 1 & 3)?;
    let duplicate = flags & 8 != 0;
    if duplicate && qos == Qos::AtMostOnce {
        return Err(MqttError::Flags {
            packet: "PUBLISH",
            flags,
        });
    }
    let topic = body.text("topic")?;
    if topic.is_empty() || topic.contains(['+', '#']) {
        return Err(MqttError::Topic(topic.chars().take(120).collect()));
    }
    let id = match qos {
        Qos::AtMostOnce => None,
        Qos::AtLeastOnce => Some(body.id()?),
    };
    Ok(Packet::Publish(Publish {
        duplicate,
        qos,
        retain: flags & 1 != 0,
        topic,
        id,
        payload: std::mem::take(&mut body.bytes),
    }))
}

fn subscribe(body: &mut Body) -> Result<Packet, MqttError> {
    let id = body.id()?;
    let mut filters = Vec::new();
    while !body.bytes.is_empty() {
        let filter = filter(body)?;
        filters.push((
            filter,
            qos("SUBSCRIBE", body.byte("requested QoS")?.min(4))?,
        ));
        check_count("SUBSCRIBE", filters.len())?;
    }
    check_count("SUBSCRIBE", filters.len())?;
    Ok(Packet::Subscribe { id, filters })
}

fn unsubscribe(body: &mut Body) -> Result<Packet, MqttError> {
    let id = body.id()?;
    let mut filters = Vec::new();
    while !body.bytes.is_empty() {
        filters.push(filter(body)?);
        check_count("UNSUBSCRIBE", filters.len())?;
    }
    check_count("UNSUBSCRIBE", filters.len())?;
    Ok(Packet::Unsubscribe { id, filters })
}

fn sub_ack(body: &mut Body) -> Result<Packet, MqttError> {
    let id = body.id()?;
    let mut granted = Vec::new();
    while !body.bytes.is_empty() {
        granted.push(match body.byte("return code")? {
            0 => Some(Qos::AtMostOnce),
            1 => Some(Qos::AtLeastOnce),
            0x80 => None,
            other => {
                return Err(MqttError::Value {
                    packet: "SUBACK",
                    field: "return code",
                    found: other,
                });
            }
        });
        check_count("SUBACK", granted.len())?;
    }
    check_count("SUBACK", granted.len())?;
    Ok(Packet::SubAck { id, granted })
}

fn check_count(packet: &'static str, found: usize) -> Result<(), MqttError> {
    if (1..=FILTERS_MAX).contains(&found) {
        Ok(())
    } else {
        Err(MqttError::Filters {
            packet,
            found,
            limit: FILTERS_MAX,
        })
    }
}

/// QoS 2 may be asked for in a subscription (it is granted as 1) but not published with.
fn qos(packet: &'static str, number: u8) -> Result<Qos, MqttError> {
    match number {
        0 => Ok(Qos::AtMostOnce),
        1 => Ok(Qos::AtLeastOnce),
        2 if packet != "PUBLISH" => Ok(Qos::AtLeastOnce),
        qos => Err(MqttError::Qos { packet, qos }),
    }
}

/// A filter: `#` only as the whole last level, `+` only as a whole level (§4.7.1).
fn filter(body: &mut Body) -> Result<String, MqttError> {
    let filter = body.text("topic filter")?;
    let last = filter.split('/').count() - 1;
    let fits = filter
        .split('/')
        .enumerate()
        .all(|(index, level)| match level {
            "#" => index == last,
            "+" => true,
            plain => !plain.contains(['#', '+']),
        });
    if filter.is_empty() || !fits {
        return Err(MqttError::Filter(filter.chars().take(120).collect()));
    }
    Ok(filter)
}

/// The rest of a packet, read field by field.
struct Body {
    packet: &'static str,
    bytes: Bytes,
}

impl Body {
    fn short(&self, field: &'static str) -> MqttError {
        MqttError::Short {
            packet: self.packet,
            field,
        }
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, MqttError> {
        if self.bytes.is_empty() {
            return Err(self.short(field));
        }
        Ok(self.bytes.get_u8())
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, MqttError> {
        if self.bytes.len() < 2 {
            return Err(self.short(field));
        }
        Ok(self.bytes.get_u16())
    }

    fn id(&mut self) -> Result<u16, MqttError> {
        match self.u16("packet identifier")? {
            0 => Err(MqttError::PacketId(self.packet)),
            id => Ok(id),
        }
    }

    fn binary(&mut self, field: &'static str) -> Result<Bytes, MqttError> {
        let length = usize::from(self.u16(field)?);
        if self.bytes.len() < length {
            return Err(self.short(field));
        }
        Ok(self.bytes.split_to(length))
    }

    fn text(&mut self, field: &'static str) -> Result<String, MqttError> {
        let bytes = self.binary(field)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
            _ => Err(MqttError::Text {
                packet: self.packet,
                field,
            }),
        }
    }

    fn end(&self) -> Result<(), MqttError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(MqttError::Trailing {
            packet: self.packet,
            bytes: self.bytes.len(),
        })
    }
}
