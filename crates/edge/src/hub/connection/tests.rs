//! What a slow or a stopped connection leaves behind, on a pipe that holds what the test wants.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::hub::tests::Rig;

const PATIENCE: Duration = Duration::from_secs(20);

/// Drives a connection of module `a` over a pipe of so many bytes, CONNECT and `more` said already.
async fn driven(
    rig: &Rig,
    bytes: usize,
    keep_alive_seconds: u16,
    more: &[Packet],
) -> (DuplexStream, CancellationToken, tokio::task::JoinHandle<()>) {
    let (mut client, served) = duplex(bytes);
    let stop = CancellationToken::new();
    let driving = drive(Arc::clone(&rig.hub), Transport::Plain(served), stop.clone());
    let driving = tokio::spawn(driving);
    let mut connect = rig.connect_packet("a", &rig.keys["a"]);
    connect.keep_alive_seconds = keep_alive_seconds;
    let mut out = BytesMut::new();
    encode(&Packet::Connect(Box::new(connect)), &mut out);
    for packet in more {
        encode(packet, &mut out);
    }
    client.write_all(&out).await.expect("written");
    (client, stop, driving)
}

#[tokio::test]
async fn a_stop_before_the_connack_is_read_leaves_nobody_connected() {
    let rig = Rig::new();
    // Three bytes hold no CONNACK: it is half written when the stop comes.
    let (_client, stop, driving) = driven(&rig, 3, 60, &[]).await;
    let connected = |entry: &crate::log::Entry| entry.event.kind() == "connected";
    let admitted = rig.hub.log().wait_for(0, PATIENCE, connected).await;
    assert!(admitted.is_some());
    stop.cancel();
    driving.await.expect("no panic");
    assert_eq!(rig.kinds(), ["connected", "disconnected"]);
}

#[tokio::test]
async fn a_flood_of_requests_has_all_its_answers() {
    let rig = Rig::new();
    let large: serde_json::Map<String, serde_json::Value> = (0..7)
        .map(|index| (format!("k{index}"), "x".repeat(4_096).into()))
        .collect();
    assert_eq!(rig.hub.change_desired("a", &large), Ok(Ok(2)));
    let subscribe = Packet::Subscribe {
        id: 1,
        filters: vec![(
            "$iothub/twin/res/#".to_owned(),
            crate::mqtt::Qos::AtMostOnce,
        )],
    };
    let get = Packet::Publish(crate::mqtt::Publish {
        duplicate: false,
        qos: crate::mqtt::Qos::AtMostOnce,
        retain: false,
        topic: "$iothub/twin/GET/?$rid=1".to_owned(),
        id: None,
        payload: bytes::Bytes::new(),
    });
    let mut said = vec![subscribe];
    said.extend(std::iter::repeat_n(get, 100));
    let (mut client, _stop, _driving) = driven(&rig, 64 * 1024, 60, &said).await;
    let mut inbox = BytesMut::new();
    let mut answers = 0;
    while answers < 100 {
        match decode(&mut inbox, PACKET_BYTES_MAX).expect("well formed") {
            Some(Packet::Publish(_)) => answers += 1,
            Some(_) => {}
            None => {
                let read = timeout(PATIENCE, client.read_buf(&mut inbox)).await;
                assert!(read.expect("in time").expect("open") > 0);
            }
        }
    }
    assert!(!rig.kinds().contains(&"reply-dropped"));
}
