//! What a module can make the hub keep for it.

use super::*;
use crate::hub::session::REPLIES_BYTES_MAX;

fn publish_bytes(topic: String, payload: Bytes) -> Packet {
    Packet::Publish(Publish {
        duplicate: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic,
        id: None,
        payload,
    })
}

#[test]
fn topics_count_towards_what_waits() {
    let rig = Rig::new();
    let a = rig.connect("a");
    let topic = format!("{}&p={}", events("a", "b"), "x".repeat(60_000));
    for _ in 0..200 {
        rig.send(&a, publish_bytes(topic.clone(), Bytes::new()));
    }
    let dropped = rig.hub.log().counts()["input-dropped b/in"].seen;
    let kept = 200 - usize::try_from(dropped).expect("few");
    assert!(
        (130..=QUEUE_BYTES_MAX / 60_000).contains(&kept),
        "{kept} kept"
    );
}

#[test]
fn what_waits_does_not_hold_on_to_what_was_read_with_it() {
    let rig = Rig::new();
    let a = rig.connect("a");
    let mut read = vec![b' '; 300_000];
    read[..2].copy_from_slice(b"{}");
    let read = Bytes::from(read);
    for topic in [
        events("a", "b"),
        "$iothub/twin/PATCH/properties/reported/?$rid=1".to_owned(),
    ] {
        rig.send(&a, publish_bytes(topic, read.slice(..2)));
    }
    assert!(read.is_unique(), "two bytes of it keep all of it");
}

#[test]
fn answers_wait_up_to_a_limit_and_dropping_one_is_told_as_it_is() {
    let rig = Rig::new();
    let large: Map<String, Value> = (0..7)
        .map(|index| (format!("k{index}"), "x".repeat(4_096).into()))
        .collect();
    assert_eq!(rig.hub.change_desired("a", &large), Ok(Ok(2)));
    let a = rig.connect("a");
    rig.subscribe(&a, "$iothub/twin/res/#");
    let get = || publish_bytes("$iothub/twin/GET/?$rid=1".to_owned(), Bytes::new());
    let mut out = BytesMut::new();
    for _ in 0..100 {
        rig.hub.receive(&a, get(), &mut out).expect("taken");
    }
    let counts = rig.hub.log().counts();
    assert_eq!(counts["twin-read a"].seen, 100);
    let dropped = counts["reply-dropped a/twin answers"].seen;
    let kept = 100 - usize::try_from(dropped).expect("few");
    let most = REPLIES_BYTES_MAX / (7 * 4_096) + 1;
    assert!((30..=most).contains(&kept), "{kept} kept");
    for entry in rig.hub.log().entries(0) {
        if let crate::log::Event::TwinRead { subscribed } = entry.event {
            assert!(subscribed);
        }
    }
    // Room again, once they are taken.
    for _ in 0..20 {
        rig.send(&a, Packet::PingReq);
    }
    assert_eq!(published(&rig.send(&a, get())).len(), 1);
}

#[test]
fn a_topic_that_mqtt_cannot_hold_is_dropped_with_its_reason() {
    let rig = Rig::new();
    let a = rig.connect("a");
    // Legal as it comes, three times as long once it is percent-encoded.
    let topic = format!("{}&p={}", events("a", "b"), "!".repeat(30_000));
    rig.send(&a, publish_bytes(topic, Bytes::from_static(b"1")));
    let b = rig.connect("b");
    assert_eq!(
        published(&rig.subscribe(&b, "devices/edgemart-device/modules/b/inputs/#")),
        []
    );
    let dropped = rig
        .hub
        .log()
        .entries(0)
        .iter()
        .any(|entry| matches!(&entry.event, crate::log::Event::InputDropped { reason, .. } if reason.contains("65535")));
    assert!(dropped);
}

#[tokio::test]
async fn names_that_no_topic_holds_are_refused() {
    let rig = Rig::new();
    let message = Message {
        source: Source::TwinChange,
        properties: Properties::default(),
        payload: Bytes::new(),
    };
    for input in ["", "a/b", "+", "a#", "a\0"] {
        assert!(matches!(
            rig.hub.send_input("b", input, &message),
            Err(InputError::Name(_))
        ));
    }
    let a = rig.connect("a");
    rig.subscribe(&a, "$iothub/methods/POST/#");
    for (name, fits) in [
        ("", false),
        (&"ü".repeat(101), false),
        (&"ü".repeat(100), true),
    ] {
        let patience = Duration::from_millis(1);
        let called = rig.hub.call_method("a", name, &Value::Null, patience).await;
        let refused = matches!(called, Err(MethodError::Name(_)));
        assert_eq!(refused, !fits, "{name:?}: {called:?}");
    }
}
