//! The front door: accepts connections, by TLS when certificate files are configured, speaks HTTP on them, and on a stop
//! lets what is under way finish. Knows nothing of what is served. HTTP/2 is spoken where TLS negotiates it; plain HTTP
//! is HTTP/1.1 alone.

mod tls;

pub(crate) use tls::{Tls, TlsError, TlsFiles};

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::settings::Transfers;
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Layer as _;
use web::line::{Files, Line};

/// A handshake, the wait for its turn included, takes at most this long.
const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// Handshakes at once: each costs a signature, and requests under way need the processor too.
const HANDSHAKES_MAX: usize = 64;
/// A connection on which no whole request head arrives for this long is closed; idle ones included.
const HEAD_SECONDS_MAX: u64 = 75;
/// Requests at once on one HTTP/2 connection; each may hold slices of a blob in memory.
const STREAMS_MAX: u32 = 32;
/// Peers that vanished from an HTTP/2 connection are noticed by asking this often.
const PING_SECONDS: u64 = 30;
/// Pause after the system refused a connection, so that a machine out of file descriptors is not kept busy by us.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// What is listened on.
pub(crate) struct Front {
    pub(crate) listener: TcpListener,
    /// By TLS, or in plain.
    pub(crate) tls: Option<Arc<Tls>>,
    /// How slow the other side may be.
    pub(crate) transfers: Transfers,
}

/// Serves until `stop` turns true; returns when the last request under way is answered. How long to wait for that is the
/// caller's business.
pub(crate) async fn serve(front: Front, router: Router, mut stop: watch::Receiver<bool>) {
    let Front {
        listener,
        tls,
        transfers,
    } = front;
    let graceful = GracefulShutdown::new();
    let turns = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the sender is gone, which is a stop too.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    peer,
                    router: router.clone(),
                    watcher: graceful.watcher(),
                };
                let tls = tls.clone();
                let turns = Arc::clone(&turns);
                tokio::spawn(async move {
                    let line = Line::new(stream, transfers);
                    match tls {
                        None => {
                            let files = line.files();
                            connection.speak(line, Some(files)).await;
                        }
                        // In a box, so that plain connections do not carry its size.
                        Some(tls) => Box::pin(connection.shake_hands(line, &tls, &turns)).await,
                    }
                });
            }
            Err(error) if of_the_peer(error.kind()) => {}
            Err(error) => {
                tracing::error!(%error, "the system refused a connection; is the limit of open files reached?");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
    // The address is free for the next process from here on.
    drop(listener);
    graceful.shutdown().await;
}

/// Peers that went away before they were accepted are no trouble of ours.
fn of_the_peer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// One connection and what answers on it.
struct Connection {
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
}

impl Connection {
    async fn shake_hands(self, stream: Line, tls: &Tls, turns: &Semaphore) {
        // Taken now, so that this connection keeps its certificate when the files change.
        let acceptor = TlsAcceptor::from(tls.current());
        let shaken = tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), async {
            // The semaphore is never closed.
            let _turn = turns.acquire().await;
            acceptor.accept(stream).await
        });
        match shaken.await {
            Ok(Ok(stream)) => {
                if speaks_second_version(&stream) {
                    self.speak_second_version(stream).await;
                } else {
                    self.speak(stream, None).await;
                }
            }
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(peer = %self.peer, "a TLS handshake took too long"),
        }
    }

    /// Answers HTTP/1.1 until either side closes. `files` are the connection's own when nothing wraps the bytes on the way.
    async fn speak<S>(self, stream: S, files: Option<Files>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = Extension(ConnectInfo(self.peer)).layer(self.router);
        let service = TowerToHyperService::new(Extension(files).layer(service));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
    }

    /// Answers HTTP/2 until either side closes.
    async fn speak_second_version(self, stream: TlsStream<Line>) {
        let service = Extension(ConnectInfo(self.peer)).layer(self.router);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(Duration::from_secs(PING_SECONDS))
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
    }
}

fn speaks_second_version(stream: &TlsStream<Line>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(tls::SECOND_VERSION)
}
