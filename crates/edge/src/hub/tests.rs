//! The hub without sockets: who is admitted, what is answered, what outlives a connection.

mod limits;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::authority::Authority;
use crate::message::{Message, Source};
use crate::mqtt::{Connect, PACKET_BYTES_MAX, Packet, Publish, Qos, decode};
use crate::token::{self, Audience};
use crate::topic::Properties;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a moment")
}

/// A hub with modules `a` and `b`, and a route from the one to the other.
pub(super) struct Rig {
    pub(super) hub: Arc<Hub>,
    pub(super) keys: BTreeMap<&'static str, Vec<u8>>,
}

impl Rig {
    pub(super) fn new() -> Self {
        let device = Arc::new(Device::default());
        let authority = Arc::new(Authority::new(now()).expect("an authority"));
        let router = Router::new([
            ("up", "FROM /messages/modules/a/outputs/up INTO $upstream"),
            ("ab", "FROM /messages/modules/a/outputs/b INTO BrokeredEndpoint(\"/modules/b/inputs/in\")"),
            ("changes", "FROM /twinChangeNotifications INTO BrokeredEndpoint(\"/modules/b/inputs/changes\")"),
        ])
        .expect("routes");
        let hub = Hub::new(
            Arc::clone(&device),
            router,
            EventLog::new(Instant::now()),
            now,
        );
        let mut keys = BTreeMap::new();
        for name in ["a", "b"] {
            let credentials =
                Credentials::new(Arc::clone(&device), name, 1, Arc::clone(&authority));
            let credentials = Arc::new(credentials.expect("keys"));
            keys.insert(name, credentials.key().to_vec());
            hub.add_module(credentials, Twin::new(&Map::new()).expect("empty"));
        }
        let hub = Arc::new(hub);
        Self { hub, keys }
    }

    pub(super) fn connect_packet(&self, module: &'static str, key: &[u8]) -> Connect {
        let device = self.hub.device();
        let audience = Audience {
            hub: &device.hub,
            gateway: &device.gateway,
            device: &device.device,
            module,
        };
        Connect {
            client_id: format!("{}/{module}", device.device),
            clean_session: false,
            keep_alive_seconds: 60,
            username: Some(format!(
                "{}/{}/{module}/?api-version=2019-10-01",
                device.hub, device.device
            )),
            password: Some(token::make(audience, key, 1_800_000_060).into()),
            will: None,
        }
    }

    fn connect(&self, module: &'static str) -> Connection {
        let connect = self.connect_packet(module, &self.keys[module]);
        self.hub.connect(&connect, "mqtt").expect("admitted")
    }

    /// Sends a packet; gives everything the hub answers, and then what waits.
    fn send(&self, connection: &Connection, packet: Packet) -> Vec<Packet> {
        let mut out = BytesMut::new();
        self.hub
            .receive(connection, packet, &mut out)
            .expect("taken");
        self.hub.drain(connection, &mut out).expect("served");
        packets(out)
    }

    fn publish(&self, connection: &Connection, topic: &str, payload: &str) -> Vec<Packet> {
        self.send(connection, publish(topic, payload))
    }

    fn subscribe(&self, connection: &Connection, filter: &str) -> Vec<Packet> {
        let filters = vec![(filter.to_owned(), Qos::AtLeastOnce)];
        self.send(connection, Packet::Subscribe { id: 7, filters })
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.hub
            .log()
            .entries(0)
            .iter()
            .map(|entry| entry.event.kind())
            .collect()
    }
}

fn packets(mut bytes: BytesMut) -> Vec<Packet> {
    let mut packets = Vec::new();
    while let Some(packet) = decode(&mut bytes, PACKET_BYTES_MAX).expect("well formed") {
        packets.push(packet);
    }
    packets
}

fn publish(topic: &str, payload: &str) -> Packet {
    Packet::Publish(Publish {
        duplicate: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: topic.into(),
        id: Some(9),
        payload: Bytes::from(payload.to_owned()),
    })
}

fn published(packets: &[Packet]) -> Vec<(&str, Value)> {
    let all = packets.iter().filter_map(|packet| match packet {
        Packet::Publish(publish) => Some(publish),
        _ => None,
    });
    all.map(|publish| {
        let value = serde_json::from_slice(&publish.payload).unwrap_or(Value::Null);
        (publish.topic.as_str(), value)
    })
    .collect()
}

fn events(module: &str, output: &str) -> String {
    format!("devices/edgemart-device/modules/{module}/messages/events/%24.on={output}&k=v")
}

#[test]
fn only_the_module_itself_is_admitted() {
    let rig = Rig::new();
    let good = rig.connect_packet("a", &rig.keys["a"]);
    assert!(rig.hub.connect(&good, "mqtt").is_ok());
    type Change = fn(&mut Connect);
    let changes: [(Change, &str); 7] = [
        (|c| c.username = None, "no user name"),
        (|c| c.password = None, "no password"),
        (|c| c.password = Some("x".into()), "no SAS token"),
        (|c| c.client_id = "edgemart-device/b".into(), "disagree"),
        (
            |c| c.username = Some("other/edgemart-device/a/?api-version=1".into()),
            "hub \"other\"",
        ),
        (
            |c| c.username = Some("edgehub/other/a/?api-version=1".into()),
            "device \"other\"",
        ),
        (
            |c| c.username = Some("edgehub/edgemart-device/a/".into()),
            "api-version",
        ),
    ];
    for (change, part) in changes {
        let mut connect = good.clone();
        change(&mut connect);
        let refused = rig.hub.connect(&connect, "mqtt").expect_err(part);
        assert!(refused.reason.contains(part), "{refused}");
    }
    let forged = rig.connect_packet("a", &rig.keys["b"]);
    let refused = rig.hub.connect(&forged, "mqtt").expect_err("another key");
    assert!(refused.reason.contains("HMAC"), "{refused}");
}

#[test]
fn a_message_is_acknowledged_recorded_and_routed() {
    let rig = Rig::new();
    let a = rig.connect("a");
    assert_eq!(
        rig.publish(&a, &events("a", "up"), "{}"),
        [Packet::PubAck(9)]
    );
    rig.publish(&a, &events("a", "nowhere"), "x");
    assert_eq!(
        rig.kinds(),
        ["connected", "message", "routed", "message", "not-routed"]
    );
}

#[test]
fn a_message_to_an_input_waits_for_its_module_and_comes_again_until_taken() {
    let rig = Rig::new();
    let a = rig.connect("a");
    rig.publish(&a, &events("a", "b"), "1");
    let b = rig.connect("b");
    let first = rig.subscribe(&b, "devices/edgemart-device/modules/b/inputs/#");
    let topic =
        "devices/edgemart-device/modules/b/inputs/in/%24.cdid=edgemart-device&%24.cmid=a&k=v";
    assert_eq!(published(&first), [(topic, json!(1))]);
    // The link drops without an acknowledgement; nobody subscribes again.
    rig.hub.disconnected(&b, false, "dropped");
    let b = rig.connect("b");
    assert!(b.session_present);
    let again = rig.send(&b, Packet::PingReq);
    let [Packet::PingResp, Packet::Publish(redelivered)] = again.as_slice() else {
        panic!("the message again: {again:?}");
    };
    assert!(redelivered.duplicate);
    assert_eq!(
        redelivered.id,
        first.iter().find_map(|packet| match packet {
            Packet::Publish(publish) => publish.id,
            _ => None,
        })
    );
    let id = redelivered.id.expect("QoS 1");
    assert_eq!(rig.send(&b, Packet::PubAck(id)), []);
    rig.hub.disconnected(&b, false, "dropped");
    let b = rig.connect("b");
    assert_eq!(rig.send(&b, Packet::PingReq), [Packet::PingResp]);
    assert!(rig.kinds().contains(&"input-taken"));
}

#[test]
fn no_more_than_sixteen_are_on_their_way() {
    let rig = Rig::new();
    let (a, b) = (rig.connect("a"), rig.connect("b"));
    rig.subscribe(&b, "devices/edgemart-device/modules/b/inputs/#");
    for _ in 0..20 {
        rig.publish(&a, &events("a", "b"), "1");
    }
    let sent = rig.send(&b, Packet::PingReq);
    assert_eq!(published(&sent).len(), INFLIGHT_MAX);
    let Some(Packet::Publish(first)) = sent.get(1) else {
        panic!("a message")
    };
    let more = rig.send(&b, Packet::PubAck(first.id.expect("QoS 1")));
    assert_eq!(published(&more).len(), 1);
}

#[test]
fn what_waits_is_bounded() {
    let rig = Rig::new();
    let a = rig.connect("a");
    for _ in 0..=QUEUE_MAX {
        rig.publish(&a, &events("a", "b"), "1");
    }
    assert_eq!(rig.hub.log().counts()["input-dropped b/in"].seen, 1);
}

#[test]
fn the_twin_is_read_and_reported() {
    let rig = Rig::new();
    let a = rig.connect("a");
    let unheard = rig.publish(&a, "$iothub/twin/GET/?$rid=1", " ");
    assert_eq!(
        unheard,
        [Packet::PubAck(9)],
        "nobody hears an answer without a subscription"
    );
    rig.subscribe(&a, "$iothub/twin/res/#");
    let answer = rig.publish(&a, "$iothub/twin/GET/?$rid=2", "");
    let document = json!({"desired": {"$version": 1}, "reported": {"$version": 1}});
    assert_eq!(
        published(&answer),
        [("$iothub/twin/res/200/?$rid=2", document)]
    );
    let answer = rig.publish(
        &a,
        "$iothub/twin/PATCH/properties/reported/?$rid=3",
        "{\"x\":1}",
    );
    assert_eq!(
        published(&answer),
        [("$iothub/twin/res/204/?$rid=3&$version=2", Value::Null)]
    );
    let answer = rig.publish(
        &a,
        "$iothub/twin/PATCH/properties/reported/?$rid=4",
        "{\"$x\":1}",
    );
    assert_eq!(published(&answer)[0].0, "$iothub/twin/res/400/?$rid=4");
    assert_eq!(
        rig.hub.twin("a").expect("known")["reported"],
        json!({"x": 1, "$version": 2})
    );
    assert_eq!(rig.hub.log().counts()["routed a/b/changes"].seen, 1);
    let patch = json!({"x": 2});
    let patch = patch.as_object().expect("an object");
    assert_eq!(rig.hub.change_desired("a", patch), Ok(Ok(2)));
    let b = rig.connect("b");
    let changes = rig.subscribe(&b, "devices/edgemart-device/modules/b/inputs/#");
    let told: Vec<Value> = published(&changes)
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    assert_eq!(
        told,
        [json!({"x": 1})],
        "the patch is a message as it came; a desired change is none"
    );
}

#[test]
fn desired_changes_reach_a_module_that_asked_and_subscriptions_survive() {
    let rig = Rig::new();
    let a = rig.connect("a");
    rig.subscribe(&a, "$iothub/twin/PATCH/properties/desired/#");
    rig.hub.disconnected(&a, false, "dropped");
    let patch = json!({"interval": 2});
    let patch = patch.as_object().expect("an object");
    assert_eq!(rig.hub.change_desired("A", patch), Ok(Ok(2)));
    let a = rig.connect("a");
    assert_eq!(
        rig.send(&a, Packet::PingReq),
        [Packet::PingResp],
        "told while away is not told later"
    );
    assert_eq!(rig.hub.change_desired("a", patch), Ok(Ok(3)));
    let told = rig.send(&a, Packet::PingReq);
    let topic = "$iothub/twin/PATCH/properties/desired/?$version=3";
    assert_eq!(
        published(&told),
        [(topic, json!({"interval": 2, "$version": 3}))]
    );
    assert!(rig.hub.change_desired("c", patch).is_err());
}

#[tokio::test]
async fn a_method_is_called_and_answered_once() {
    let rig = Arc::new(Rig::new());
    let a = rig.connect("a");
    let patience = Duration::from_secs(5);
    let call = |rig: Arc<Rig>| async move {
        rig.hub
            .call_method("a", "re set", &json!({"n": 1}), patience)
            .await
    };
    assert!(matches!(
        call(Arc::clone(&rig)).await,
        Err(MethodError::NotReachable(_))
    ));
    rig.subscribe(&a, "$iothub/methods/POST/#");
    let calling = tokio::spawn(call(Arc::clone(&rig)));
    let called = |entry: &crate::log::Entry| entry.event.kind() == "method-called";
    rig.hub
        .log()
        .wait_for(0, patience, called)
        .await
        .expect("called");
    let called = rig.send(&a, Packet::PingReq);
    let (topic, payload) = published(&called)[0].clone();
    let rid = topic
        .strip_prefix("$iothub/methods/POST/re%20set/?$rid=")
        .expect("a call");
    assert_eq!(payload, json!({"n": 1}));
    let answer = format!("$iothub/methods/res/201/?$rid={rid}");
    rig.publish(&a, &answer, "{\"ok\":true}");
    let answered = calling.await.expect("no panic").expect("an answer");
    assert_eq!(
        (answered.status, answered.value()),
        (201, json!({"ok": true}))
    );
    rig.publish(&a, &answer, "null");
    assert!(rig.kinds().contains(&"method-stray"));
    let silent = rig
        .hub
        .call_method("a", "x", &Value::Null, Duration::from_millis(1))
        .await;
    assert!(matches!(silent, Err(MethodError::TimedOut(_))));
}

#[test]
fn a_later_connection_takes_over_and_a_clean_one_forgets() {
    let rig = Rig::new();
    let first = rig.connect("a");
    rig.subscribe(&first, "$iothub/twin/res/#");
    let second = rig.connect("a");
    assert!(second.session_present && !first.session_present);
    let mut out = BytesMut::new();
    assert_eq!(
        rig.hub.receive(&first, Packet::PingReq, &mut out),
        Err(Closing::Superseded)
    );
    assert_eq!(rig.hub.drain(&first, &mut out), Err(Closing::Superseded));
    rig.hub.disconnected(&first, false, "superseded");
    assert_eq!(
        published(&rig.publish(&second, "$iothub/twin/GET/?$rid=1", "")).len(),
        1
    );
    let mut connect = rig.connect_packet("a", &rig.keys["a"]);
    connect.clean_session = true;
    let clean = rig.hub.connect(&connect, "mqtt").expect("admitted");
    assert!(!clean.session_present);
    let get = |connection: &Connection| {
        let answers = rig.publish(connection, "$iothub/twin/GET/?$rid=1", "");
        published(&answers).len()
    };
    assert_eq!(get(&clean), 0);
    // A clean session is over with its connection, whatever the next one asks for.
    rig.subscribe(&clean, "$iothub/twin/res/#");
    assert_eq!(get(&clean), 1);
    rig.hub.disconnected(&clean, true, "done");
    let next = rig.connect("a");
    assert!(!next.session_present);
    assert_eq!(get(&next), 0);
}

#[test]
fn what_a_clean_session_left_unacknowledged_is_sent_as_new() {
    let rig = Rig::new();
    let a = rig.connect("a");
    rig.publish(&a, &events("a", "b"), "1");
    let mut connect = rig.connect_packet("b", &rig.keys["b"]);
    connect.clean_session = true;
    let inputs = "devices/edgemart-device/modules/b/inputs/#";
    let clean = rig.hub.connect(&connect, "mqtt").expect("admitted");
    assert_eq!(published(&rig.subscribe(&clean, inputs)).len(), 1);
    rig.hub.disconnected(&clean, false, "dropped");
    let next = rig.connect("b");
    let again = rig.subscribe(&next, inputs);
    let duplicates: Vec<bool> = again
        .iter()
        .filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish.duplicate),
            _ => None,
        })
        .collect();
    assert_eq!(duplicates, [false]);
}

#[test]
fn topic_tricks_and_large_messages_close_the_connection() {
    let rig = Rig::new();
    let a = rig.connect("a");
    let large = "x".repeat(crate::message::MESSAGE_BYTES_MAX);
    for (topic, payload) in [
        (events("b", "up").as_str(), ""),
        ("$iothub/twin/res/200/?$rid=1", ""),
        ("devices/edgemart-device/modules/a/../b/messages/events", ""),
        (events("a", "up").as_str(), large.as_str()),
    ] {
        let mut out = BytesMut::new();
        let closing = rig.hub.receive(&a, publish(topic, payload), &mut out);
        assert!(
            matches!(closing, Err(Closing::Protocol(_))),
            "{topic}: {closing:?}"
        );
        assert!(out.is_empty());
    }
    let granted = rig.subscribe(&a, "devices/edgemart-device/modules/b/inputs/#");
    assert_eq!(
        granted,
        [Packet::SubAck {
            id: 7,
            granted: vec![None]
        }]
    );
}

#[test]
fn an_input_from_outside_is_delivered() {
    let rig = Rig::new();
    let b = rig.connect("b");
    rig.subscribe(&b, "devices/edgemart-device/modules/b/#");
    let message = Message {
        source: Source::TwinChange,
        properties: Properties::default().with("p", "1"),
        payload: Bytes::from_static(b"[]"),
    };
    assert_eq!(rig.hub.send_input("b", "in put", &message), Ok(()));
    let told = rig.send(&b, Packet::PingReq);
    assert_eq!(
        published(&told),
        [(
            "devices/edgemart-device/modules/b/inputs/in put/p=1",
            json!([])
        )]
    );
    assert!(rig.hub.send_input("c", "in", &message).is_err());
}

proptest! {
    #[test]
    fn any_publish_is_answered_or_closes(topic in r"(devices/edgemart-device/modules/(a|b)|/messages/events/|\$iothub/(twin/GET|twin/PATCH/properties/reported|methods/res/200)/|\?\$rid=|[a-z%&=]){1,6}", payload in ".{0,20}") {
        let rig = Rig::new();
        let a = rig.connect("a");
        let mut out = BytesMut::new();
        match rig.hub.receive(&a, publish(&topic, &payload), &mut out) {
            Ok(()) => prop_assert_eq!(packets(out).first().cloned(), Some(Packet::PubAck(9))),
            Err(_) => prop_assert!(out.is_empty()),
        }
    }
}
