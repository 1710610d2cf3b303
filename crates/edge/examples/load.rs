//! A load on any MQTT broker over TLS: QoS 1 messages with a window of unacknowledged ones, and how many a second are
//! acknowledged. `bench/edge.py` runs it against the environment and against Debian's mosquitto.
//!
//! `load HOST PORT CA_FILE NAME CLIENT_ID USERNAME PASSWORD TOPIC COUNT`

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use edge::mqtt::{Connect, ConnectCode, PACKET_BYTES_MAX, Packet, Publish, Qos, decode, encode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Messages on their way without an acknowledgement.
const WINDOW: u32 = 100;
/// Bytes of a payload: a small JSON reading.
const PAYLOAD: &[u8] =
    br#"{"machine":{"temperature":61.52,"pressure":4.0},"timeCreated":"2026-11-22T12:00:00Z"}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [
        host,
        port,
        ca,
        name,
        client_id,
        username,
        password,
        topic,
        count,
    ] = arguments.as_slice()
    else {
        return Err("load HOST PORT CA_FILE NAME CLIENT_ID USERNAME PASSWORD TOPIC COUNT".into());
    };
    let mut stream = connected(host, port.parse()?, ca, name).await?;
    let mut inbox = BytesMut::new();
    let mut out = BytesMut::new();
    let connect = Connect {
        client_id: client_id.clone(),
        clean_session: true,
        keep_alive_seconds: 60,
        username: Some(username.clone()).filter(|text| !text.is_empty()),
        password: Some(Bytes::from(password.clone())).filter(|bytes| !bytes.is_empty()),
        will: None,
    };
    encode(&Packet::Connect(Box::new(connect)), &mut out);
    stream.write_all_buf(&mut out).await?;
    match hear(&mut stream, &mut inbox).await? {
        Packet::ConnAck {
            code: ConnectCode::Accepted,
            ..
        } => {}
        other => return Err(format!("not admitted: {other:?}").into()),
    }
    let count: u32 = count.parse()?;
    let (mut sent, mut taken) = (0, 0);
    let began = Instant::now();
    while taken < count {
        while sent < count && sent - taken < WINDOW {
            sent += 1;
            let id = u16::try_from(sent % 60_000)? + 1;
            encode(&Packet::Publish(publish(topic, id)), &mut out);
        }
        stream.write_all_buf(&mut out).await?;
        if let Packet::PubAck(_) = hear(&mut stream, &mut inbox).await? {
            taken += 1;
        }
        while let Some(packet) = decode(&mut inbox, PACKET_BYTES_MAX)? {
            taken += u32::from(matches!(packet, Packet::PubAck(_)));
        }
    }
    println!("{:.0}", f64::from(count) / began.elapsed().as_secs_f64());
    Ok(())
}

fn publish(topic: &str, id: u16) -> Publish {
    Publish {
        duplicate: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: topic.to_owned(),
        id: Some(id),
        payload: Bytes::from_static(PAYLOAD),
    }
}

async fn connected(
    host: &str,
    port: u16,
    ca: &str,
    name: &str,
) -> Result<TlsStream<TcpStream>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(name.to_owned())?;
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?)
}

async fn hear(
    stream: &mut TlsStream<TcpStream>,
    inbox: &mut BytesMut,
) -> Result<Packet, Box<dyn Error>> {
    loop {
        if let Some(packet) = decode(inbox, PACKET_BYTES_MAX)? {
            return Ok(packet);
        }
        if stream.read_buf(inbox).await? == 0 {
            return Err("closed".into());
        }
    }
}
