//! The codec against bytes written down from the standard, and against itself.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Result<Option<Packet>, MqttError> {
    decode(&mut BytesMut::from(bytes), PACKET_BYTES_MAX)
}

fn refused(bytes: &[u8]) -> MqttError {
    read(bytes).expect_err("no packet")
}

#[test]
fn connect_as_an_sdk_sends_it() {
    let mut bytes = vec![0x10, 36, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xC0, 0, 60];
    for text in ["dev/mod", "user", "SharedAcc"] {
        bytes.extend([0, u8::try_from(text.len()).expect("short")]);
        bytes.extend(text.as_bytes());
    }
    let Ok(Some(Packet::Connect(connect))) = read(&bytes) else {
        panic!("a CONNECT: {:?}", read(&bytes));
    };
    assert_eq!(connect.client_id, "dev/mod");
    assert_eq!(connect.username.as_deref(), Some("user"));
    assert_eq!(connect.password.as_deref(), Some(&b"SharedAcc"[..]));
    assert_eq!(connect.keep_alive_seconds, 60);
    assert!(!connect.clean_session && connect.will.is_none());
}

#[test]
fn publish_with_and_without_identifier() {
    let at_most = read(&[0x30, 5, 0, 1, b'a', 7, 8])
        .expect("fits")
        .expect("whole");
    let Packet::Publish(publish) = at_most else {
        panic!("a PUBLISH")
    };
    assert_eq!((publish.id, publish.payload.as_ref()), (None, &[7, 8][..]));
    let at_least = read(&[0x3A, 5, 0, 1, b'a', 0, 9])
        .expect("fits")
        .expect("whole");
    let Packet::Publish(publish) = at_least else {
        panic!("a PUBLISH")
    };
    assert_eq!((publish.id, publish.duplicate), (Some(9), true));
    assert!(publish.payload.is_empty());
}

#[test]
fn an_incomplete_packet_waits_and_two_come_one_by_one() {
    let whole = [0x40, 2, 0, 1, 0xC0, 0];
    for end in 0..4 {
        assert_eq!(read(&whole[..end]), Ok(None), "{end} bytes");
    }
    let mut buffer = BytesMut::from(&whole[..]);
    let mut next = || decode(&mut buffer, PACKET_BYTES_MAX).expect("fits");
    assert_eq!(next(), Some(Packet::PubAck(1)));
    assert_eq!(next(), Some(Packet::PingReq));
    assert_eq!(next(), None);
}

#[test]
fn a_large_packet_is_refused_by_its_header_alone() {
    let error = refused(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]);
    assert_eq!(
        error,
        MqttError::Oversize {
            found: 268_435_455,
            limit: PACKET_BYTES_MAX
        }
    );
    assert_eq!(
        refused(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
        MqttError::RemainingLength
    );
}

#[test]
fn each_rule_of_the_standard_is_named() {
    let cases: [(&[u8], &str); 16] = [
        (&[0x00, 0], "packet type 0"),
        (&[0x50, 2, 0, 1], "packet type 5"),
        (&[0xF0, 0], "packet type 15"),
        (&[0x80, 5, 0, 1, 0, 1, b'a'], "reserved"),
        (&[0xC1, 0], "reserved"),
        (&[0x38, 3, 0, 1, b'a'], "reserved"),
        (&[0x36, 5, 0, 1, b'a', 0, 1], "QoS 3"),
        (&[0x34, 5, 0, 1, b'a', 0, 1], "QoS 2"),
        (&[0x32, 5, 0, 1, b'a', 0, 0], "packet identifier 0"),
        (&[0x30, 3, 0, 1, b'#'], "wildcard"),
        (&[0x30, 2, 0, 0], "empty"),
        (&[0x30, 4, 0, 9, b'a', b'b'], "inside its topic"),
        (&[0x30, 3, 0, 1, 0xFF], "not UTF-8"),
        (&[0x30, 3, 0, 1, 0], "U+0000"),
        (&[0x40, 3, 0, 1, 0], "after its last field"),
        (&[0x82, 2, 0, 1], "0 filters"),
    ];
    for (bytes, part) in cases {
        let text = refused(bytes).to_string();
        assert!(text.contains(part), "{bytes:02x?}: {text}");
    }
}

#[test]
fn connect_of_another_protocol_is_refused() {
    let mqtt_31 = [
        0x10, 12, 0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3, 2, 0, 60,
    ];
    assert_eq!(refused(&mqtt_31), MqttError::ProtocolName("MQIsdp".into()));
    let mqtt_5 = [0x10, 10, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60];
    assert_eq!(refused(&mqtt_5), MqttError::ProtocolLevel(5));
    for flags in [0x01, 0x08, 0x20, 0x40] {
        let bytes = [
            0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, 60, 0, 0,
        ];
        assert!(
            matches!(refused(&bytes), MqttError::Value { .. }),
            "{flags:#x}"
        );
    }
}

#[test]
fn filters_keep_wildcards_whole() {
    for filter in ["", "a#", "#/a", "a/+b", "a/#/b"] {
        let packet = Packet::Unsubscribe {
            id: 1,
            filters: vec![filter.into()],
        };
        let mut bytes = BytesMut::new();
        encode(&packet, &mut bytes);
        assert!(
            matches!(refused(&bytes), MqttError::Filter(_)),
            "{filter:?}"
        );
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9$/%.=&ü-]{1,40}"
}

fn qos() -> impl Strategy<Value = Qos> {
    prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce)]
}

fn payload() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn connect() -> impl Strategy<Value = Packet> {
    let will =
        (text(), payload(), qos(), any::<bool>()).prop_map(|(topic, payload, qos, retain)| Will {
            topic,
            payload,
            qos,
            retain,
        });
    let credentials = prop::option::of((text(), prop::option::of(payload())));
    (
        text(),
        any::<bool>(),
        any::<u16>(),
        prop::option::of(will),
        credentials,
    )
        .prop_map(
            |(client_id, clean_session, keep_alive_seconds, will, credentials)| {
                let (username, password) = match credentials {
                    Some((username, password)) => (Some(username), password),
                    None => (None, None),
                };
                Packet::Connect(Box::new(Connect {
                    client_id,
                    clean_session,
                    keep_alive_seconds,
                    username,
                    password,
                    will,
                }))
            },
        )
}

fn packet() -> impl Strategy<Value = Packet> {
    let publish = (
        text(),
        prop::option::of((1..=u16::MAX, any::<bool>())),
        any::<bool>(),
        payload(),
    )
        .prop_map(|(topic, id, retain, payload)| {
            Packet::Publish(Publish {
                duplicate: id.is_some_and(|(_, duplicate)| duplicate),
                qos: if id.is_some() {
                    Qos::AtLeastOnce
                } else {
                    Qos::AtMostOnce
                },
                retain,
                topic,
                id: id.map(|(id, _)| id),
                payload,
            })
        });
    prop_oneof![
        connect(),
        publish,
        (1..=u16::MAX).prop_map(Packet::PubAck),
        (1..=u16::MAX, prop::collection::vec((text(), qos()), 1..5))
            .prop_map(|(id, filters)| Packet::Subscribe { id, filters }),
        (
            1..=u16::MAX,
            prop::collection::vec(prop::option::of(qos()), 1..5)
        )
            .prop_map(|(id, granted)| Packet::SubAck { id, granted }),
        (1..=u16::MAX, prop::collection::vec(text(), 1..5))
            .prop_map(|(id, filters)| Packet::Unsubscribe { id, filters }),
        any::<bool>().prop_map(|session_present| Packet::ConnAck {
            session_present,
            code: ConnectCode::Accepted
        }),
        Just(Packet::PingReq),
        Just(Packet::Disconnect),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(packet in packet(), split in 0_usize..40) {
        let mut bytes = BytesMut::new();
        encode(&packet, &mut bytes);
        let whole = bytes.clone();
        let mut part = BytesMut::from(&whole[..split.min(whole.len() - 1)]);
        prop_assert_eq!(decode(&mut part, PACKET_BYTES_MAX), Ok(None));
        prop_assert_eq!(decode(&mut bytes, PACKET_BYTES_MAX), Ok(Some(packet)));
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut buffer = BytesMut::from(&bytes[..]);
        let mut before = buffer.len() + 1;
        while let Ok(Some(packet)) = decode(&mut buffer, 128) {
            prop_assert!(buffer.len() < before, "{} took nothing", packet.name());
            before = buffer.len();
        }
    }
}
