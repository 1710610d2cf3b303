//! Listens for modules: MQTT over TLS, MQTT in WebSockets and HTTPS, and AMQP, which is noticed and reported.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::drive;
use super::listen::{self, Place};
use super::transport::Transport;
use super::{Hub, web};
use crate::authority::Issued;
use crate::log::{Event, excerpt};

/// Connections served at once, all ports together; a further one is dropped.
pub const CONNECTIONS_MAX: usize = 256;
/// Seconds for a TLS handshake, or for the first bytes of AMQP.
const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// Between a failed accept and the next.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Ports that the SDKs know: they cannot be told others. 0 takes a free one, for tests; without HTTPS or AMQP a module
/// that wants them finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// MQTT over TLS.
    pub mqtt: u16,
    /// WebSocket, and methods between modules.
    pub https: Option<u16>,
    /// AMQP over TLS.
    pub amqp: Option<u16>,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            mqtt: 8883,
            https: Some(443),
            amqp: Some(5671),
        }
    }
}

/// Why a hub cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A port is taken, or may not be had.
    #[error("cannot listen on {address} for modules: {problem}; their SDKs know no other port")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
    /// The certificate does not fit the TLS library.
    #[error("cannot serve TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl ServerError {
    /// Is it that port which cannot be had?
    pub fn is_about_port(&self, port: u16) -> bool {
        matches!(self, Self::Listen { address, .. } if address.port() == port)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mqtt,
    Https,
    Amqp,
}

/// A listening hub.
pub struct HubServer {
    ports: Ports,
    stop: CancellationToken,
    tasks: TaskTracker,
    log: crate::log::EventLog,
}

/// What every connection of a server shares.
struct Shared {
    hub: Arc<Hub>,
    tls: TlsAcceptor,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl HubServer {
    /// Listens on one address with a certificate for the gateway's name.
    ///
    /// # Errors
    /// A port cannot be had, or the certificate is not taken.
    pub fn start(
        hub: Arc<Hub>,
        place: Place,
        ports: Ports,
        certificate: &Issued,
    ) -> Result<Self, ServerError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificate.chain(), certificate.key())?;
        let mut listeners = Vec::new();
        let mut taken = ports;
        let wanted = [
            (Some(ports.mqtt), Kind::Mqtt),
            (ports.https, Kind::Https),
            (ports.amqp, Kind::Amqp),
        ];
        for (port, kind) in wanted {
            let Some(port) = port else { continue };
            let (listener, port) = listen::tcp(place, port)?;
            match kind {
                Kind::Mqtt => taken.mqtt = port,
                Kind::Https => taken.https = Some(port),
                Kind::Amqp => taken.amqp = Some(port),
            }
            listeners.push((listener, kind));
        }
        let shared = Arc::new(Shared {
            hub: Arc::clone(&hub),
            tls: TlsAcceptor::from(Arc::new(config)),
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        hub.log().record(None, Event::HubStarted);
        for (listener, kind) in listeners {
            shared
                .tasks
                .spawn(accept(listener, kind, Arc::clone(&shared)));
        }
        Ok(Self {
            ports: taken,
            stop: shared.stop.clone(),
            tasks: shared.tasks.clone(),
            log: hub.log().clone(),
        })
    }

    /// The ports it listens on.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Closes every port and drops every connection at once; sessions stay in the [`Hub`].
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.log.record(None, Event::HubStopped);
    }
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, kind: Kind, shared: Arc<Shared>) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    loop {
        let stream = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(problem) => {
                    tracing::warn!(%problem, port, "cannot accept a module's connection");
                    // Out of descriptors, mostly: the next try at once would fail as well, and spin.
                    tokio::select! {
                        () = shared.stop.cancelled() => return,
                        () = sleep(ACCEPT_REST) => continue,
                    }
                }
            },
        };
        let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
            shared.hub.log().record(None, Event::HubCrowded { port });
            continue;
        };
        let serving = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            serve(stream, port, kind, &serving, place).await;
        });
    }
}

async fn serve(
    stream: TcpStream,
    port: u16,
    kind: Kind,
    shared: &Arc<Shared>,
    place: OwnedSemaphorePermit,
) {
    let handshake = tokio::select! {
        () = shared.stop.cancelled() => return,
        handshake = shake_hands(stream, port, shared) => handshake,
    };
    let Some(stream) = handshake else { return };
    let (hub, stop) = (Arc::clone(&shared.hub), shared.stop.clone());
    match kind {
        Kind::Mqtt => drive(hub, Transport::Tls(Box::new(stream)), stop).await,
        Kind::Https => {
            let serving = web::Serving {
                hub,
                stop,
                tasks: shared.tasks.clone(),
                place: Arc::new(place),
            };
            web::serve(stream, serving).await;
        }
        Kind::Amqp => tokio::select! {
            () = stop.cancelled() => {}
            () = notice_amqp(&hub, stream, port) => {}
        },
    }
}

async fn shake_hands(
    stream: TcpStream,
    port: u16,
    shared: &Shared,
) -> Option<TlsStream<TcpStream>> {
    let log = shared.hub.log();
    // Small packets both ways; waiting to fill a segment would cost every answer 40 ms.
    if let Err(problem) = stream.set_nodelay(true) {
        tracing::debug!(%problem, "no TCP_NODELAY");
    }
    let patience = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
    let reason = match timeout(patience, shared.tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version();
            let version = version
                .map(|version| format!("{version:?}"))
                .unwrap_or_default();
            log.record(None, Event::TlsAccepted { port, version });
            return Some(stream);
        }
        Ok(Err(problem)) => problem.to_string(),
        Err(_) => format!("no TLS handshake within {HANDSHAKE_SECONDS_MAX} s"),
    };
    let reason = excerpt(&reason);
    log.record(None, Event::TlsRefused { port, reason });
    None
}

/// Reads the protocol header (AMQP 1.0 §2.2) and reports it; AMQP is not spoken.
async fn notice_amqp(hub: &Hub, mut stream: TlsStream<TcpStream>, port: u16) {
    let mut header = [0; 8];
    let patience = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
    let read = timeout(patience, stream.read_exact(&mut header)).await;
    let event = match (read, &header) {
        (Ok(Ok(_)), [b'A', b'M', b'Q', b'P', protocol, ..]) => Event::AmqpAttempted {
            asked: match protocol {
                0 => "AMQP".into(),
                2 => "TLS".into(),
                3 => "SASL".into(),
                other => format!("protocol {other}"),
            },
        },
        _ => Event::ProtocolError {
            reason: format!("no AMQP header on port {port}"),
        },
    };
    hub.log().record(None, event);
}
