//! The front door: accepts connections, by TLS when certificate files are configured, speaks HTTP on them, and on a stop
//! lets what is under way finish. Knows nothing of what is served. HTTP/2 is spoken where TLS negotiates it; plain HTTP
//! is HTTP/1.1 alone.

mod begun;
mod kept;
mod tls;
mod under_way;

pub(crate) use tls::{Tls, TlsError, TlsFiles};

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::settings::Transfers;
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use tower::Layer as _;
use web::line::{Files, Line};

use kept::Kept;

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
    let connections = TaskTracker::new();
    let turns = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked_to_stop(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    peer,
                    router: router.clone(),
                    stop: stop.clone(),
                };
                let line = Line::new(stream, transfers);
                match &tls {
                    None => {
                        let files = line.files();
                        connections.spawn(connection.speak(line, Some(files)));
                    }
                    Some(tls) => {
                        let (tls, turns) = (Arc::clone(tls), Arc::clone(&turns));
                        connections.spawn(connection.shake_hands(line, tls, turns));
                    }
                }
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
    connections.close();
    connections.wait().await;
}

/// Waits for the stop. That its sender is gone is a stop too.
async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
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
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn shake_hands(self, stream: Line, tls: Arc<Tls>, turns: Arc<Semaphore>) {
        // Taken now, so that this connection keeps its certificate when the files change.
        let acceptor = TlsAcceptor::from(tls.current());
        drop(tls);
        let shaken = tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), async {
            // The semaphore is never closed.
            let _turn = turns.acquire_owned().await;
            acceptor.accept(stream).await
        });
        // In a box each: neither handshake nor HTTP/2 is carried along by a connection that waits.
        match Box::pin(shaken).await {
            Ok(Ok(stream)) => {
                if speaks_second_version(&stream) {
                    Box::pin(self.speak_second_version(stream)).await;
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
        let Self { peer, router, stop } = self;
        let kept = Kept {
            stream,
            peer,
            router,
            files,
            stop,
        };
        kept.speak().await;
    }

    /// Answers HTTP/2 until either side closes.
    async fn speak_second_version(mut self, stream: TlsStream<Line>) {
        let service = Extension(ConnectInfo(self.peer)).layer(self.router);
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(Duration::from_secs(PING_SECONDS))
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = asked_to_stop(&mut self.stop) => {
                Pin::new(&mut connection).graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
    }
}

fn speaks_second_version(stream: &TlsStream<Line>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(tls::SECOND_VERSION)
}
