//! An environment, and what a module on the other side of the wire can do to it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use edge::hub::Ports;
use edge::identity::Device;
use edge::log::Entry;
use edge::mqtt::{Connect, ConnectCode, PACKET_BYTES_MAX, Packet, Publish, Qos, decode, encode};
use edge::token::{self, Audience};
use edge::{Environment, ModuleSettings, Settings};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) environment: Environment,
    pub(crate) folder: TempDir,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::start(Settings {
            device: Device::default(),
            address: Ipv4Addr::LOCALHOST.into(),
            ports: Ports {
                mqtt: 0,
                https: Some(0),
                amqp: Some(0),
            },
            folder: folder.path().to_owned(),
            routes: BTreeMap::from([("up".into(), "FROM /* INTO $upstream".into())]),
            modules: vec![ModuleSettings {
                name: "m".into(),
                desired: serde_json::Map::new(),
            }],
            address_to_come: false,
            clock: jiff::Timestamp::now,
        })
        .await
        .expect("an environment");
        Self {
            environment,
            folder,
        }
    }

    pub(crate) async fn tcp(&self, port: u16) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("connected")
    }

    pub(crate) async fn tls(
        &self,
        port: u16,
        name: &'static str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(self.environment.ca_file()).expect("the certificate");
        roots
            .add(CertificateDer::from_pem_slice(&pem).expect("PEM"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, self.tcp(port).await)
            .await
    }

    pub(crate) async fn mqtt(&self) -> Line {
        let port = self.environment.ports().mqtt;
        let stream = self
            .tls(port, "edgehub", rustls::ALL_VERSIONS)
            .await
            .expect("a handshake");
        Line {
            stream,
            inbox: BytesMut::new(),
        }
    }

    /// The key of the module, as a debugger's connection string gives it.
    pub(crate) fn connect_packet(&self) -> Packet {
        self.connect_until(4_000_000_000)
    }

    /// A CONNECT whose token ends then, in seconds since 1970.
    pub(crate) fn connect_until(&self, expires: u64) -> Packet {
        let text = self
            .environment
            .connection_string("m")
            .expect("a module of the run");
        let (_, key) = text.split_once("SharedAccessKey=").expect("a key");
        let key = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, key).expect("base64");
        let audience = Audience {
            hub: "edgemart.azure-devices.net",
            gateway: "edgehub",
            device: "edgemart-device",
            module: "m",
        };
        Packet::Connect(Box::new(Connect {
            client_id: "edgemart-device/m".into(),
            clean_session: false,
            keep_alive_seconds: 60,
            username: Some("edgehub/edgemart-device/m/?api-version=2019-10-01".into()),
            password: Some(Bytes::from(token::make(audience, &key, expires))),
            will: None,
        }))
    }

    /// An admitted connection.
    pub(crate) async fn connected(&self) -> Line {
        let mut line = self.mqtt().await;
        line.say(&self.connect_packet()).await;
        let answer = line.hear().await;
        assert!(
            matches!(
                answer,
                Some(Packet::ConnAck {
                    code: ConnectCode::Accepted,
                    ..
                })
            ),
            "{answer:?}"
        );
        line
    }

    pub(crate) async fn wait(&self, kind: &str) -> Entry {
        let found = self
            .environment
            .log()
            .wait_for(0, PATIENCE, |entry| entry.event.kind() == kind)
            .await;
        match found {
            Some(entry) => (*entry).clone(),
            None => panic!("no {kind} in\n{}", self.environment.log().json_lines()),
        }
    }

    /// A module still connects and its message is taken.
    pub(crate) async fn still_works(&self) {
        let mut line = self.connected().await;
        line.say(&message("{}".into())).await;
        assert_eq!(line.hear().await, Some(Packet::PubAck(1)));
    }
}

pub(crate) fn message(payload: Bytes) -> Packet {
    Packet::Publish(Publish {
        duplicate: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: "devices/edgemart-device/modules/m/messages/events/".into(),
        id: Some(1),
        payload,
    })
}

/// An MQTT connection of the test's own. What was read and not yet asked for is kept.
pub(crate) struct Line {
    pub(crate) stream: TlsStream<TcpStream>,
    inbox: BytesMut,
}

impl Line {
    pub(crate) async fn say(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        encode(packet, &mut bytes);
        self.send(&bytes).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("written");
    }

    /// The next packet, or `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = decode(&mut self.inbox, PACKET_BYTES_MAX).expect("well formed") {
                return Some(packet);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.inbox))
                .await
                .expect("in time");
            if read.unwrap_or(0) == 0 {
                assert!(self.inbox.is_empty(), "it ends within a packet");
                return None;
            }
        }
    }
}
