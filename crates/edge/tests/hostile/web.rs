//! WebSockets: as many as connections, whole MQTT in cut frames, and what is no MQTT in them.

use bytes::{Bytes, BytesMut};
use edge::hub::CONNECTIONS_MAX;
use edge::log::Event;
use edge::mqtt::{ConnectCode, PACKET_BYTES_MAX, Packet, decode, encode};
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::rig::{PATIENCE, Rig};

/// A WebSocket of the test's own. What was read and not yet asked for is kept.
struct Web {
    stream: WebSocketStream<TlsStream<TcpStream>>,
    inbox: BytesMut,
}

/// Opens a WebSocket for MQTT, if the hub has a place for it.
async fn open(rig: &Rig) -> Option<Web> {
    let port = rig.environment.ports().https.expect("a port for HTTPS");
    let tls = rig.tls(port, "edgehub", rustls::ALL_VERSIONS).await.ok()?;
    let mut request = "wss://edgehub/$iothub/websocket"
        .into_client_request()
        .expect("an address");
    let protocol = HeaderValue::from_static("mqtt");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (stream, _) = tokio_tungstenite::client_async(request, tls).await.ok()?;
    Some(Web {
        stream,
        inbox: BytesMut::new(),
    })
}

impl Web {
    /// The next packet, or `None` when the hub has closed.
    async fn hear(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = decode(&mut self.inbox, PACKET_BYTES_MAX).expect("well formed") {
                return Some(packet);
            }
            match tokio::time::timeout(PATIENCE, self.stream.next()).await {
                Ok(Some(Ok(Message::Binary(bytes)))) => self.inbox.extend_from_slice(&bytes),
                Ok(_) => return None,
                Err(_) => panic!("the hub neither answers nor closes"),
            }
        }
    }
}

#[tokio::test]
async fn websockets_take_places_as_connections_do() {
    let rig = Rig::start().await;
    let mut open_ones = Vec::new();
    let mut refused = 0;
    for _ in 0..CONNECTIONS_MAX + 20 {
        match open(&rig).await {
            Some(web) => open_ones.push(web),
            None => refused += 1,
        }
    }
    assert_eq!((open_ones.len(), refused), (CONNECTIONS_MAX, 20));
    rig.wait("hub-crowded").await;
    drop(open_ones);
    let patience = std::time::Instant::now() + PATIENCE;
    while open(&rig).await.is_none() {
        assert!(std::time::Instant::now() < patience, "no place came free");
    }
    rig.still_works().await;
}

#[tokio::test]
async fn packets_may_be_cut_by_frames_as_they_like() {
    let rig = Rig::start().await;
    let mut web = open(&rig).await.expect("a place");
    let mut bytes = BytesMut::new();
    encode(&rig.connect_packet(), &mut bytes);
    encode(&Packet::PingReq, &mut bytes);
    for piece in bytes.chunks(7) {
        let piece = Bytes::copy_from_slice(piece);
        web.stream.send(Message::Binary(piece)).await.expect("sent");
    }
    let accepted = Packet::ConnAck {
        session_present: false,
        code: ConnectCode::Accepted,
    };
    assert_eq!(web.hear().await, Some(accepted));
    assert_eq!(web.hear().await, Some(Packet::PingResp));
}

#[tokio::test]
async fn text_frames_and_large_ones_close_only_their_connection() {
    let rig = Rig::start().await;
    for (message, part) in [
        (Message::Text("MQTT".into()), "MQTT-6.0.0-1"),
        (
            Message::Binary(Bytes::from(vec![0x10; PACKET_BYTES_MAX + 1])),
            "connection lost before CONNECT",
        ),
    ] {
        let mut web = open(&rig).await.expect("a place");
        // The hub may hang up before all of it is written.
        let _ = web.stream.send(message).await;
        assert_eq!(web.hear().await, None);
        let told = rig
            .environment
            .log()
            .wait_for(0, PATIENCE, |entry| {
                matches!(&entry.event, Event::ProtocolError { reason } if reason.contains(part))
            })
            .await;
        assert!(told.is_some(), "no word of {part}");
    }
    rig.still_works().await;
}
