//! The front door: accepts connections, by TLS when certificate files are configured, speaks HTTP on them, and on a stop
//! lets what is under way finish. Knows nothing of what is served. HTTP/2 is spoken where TLS negotiates it; plain HTTP
//! is HTTP/1.1 alone.

mod begun;
mod kept;
mod room;
mod second;
mod tls;
mod under_way;

pub(crate) use room::open_many_files;
pub(crate) use tls::{Tls, TlsError, TlsFiles};

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::settings::Transfers;
use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use web::line::{Files, Line};

use kept::Kept;
use room::{Room, Seat};
use second::Second;

/// A handshake takes at most this long.
const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// A connection on which no whole request head arrives for this long is closed; idle ones included.
const HEAD_SECONDS_MAX: u64 = 75;
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
    let room = Room::of_this_process();
    loop {
        let accepted = tokio::select! {
            (accepted, seat) = async { let seat = room.seat().await; (listener.accept().await, seat) } => accepted.map(|accepted| (accepted, seat)),
            () = asked_to_stop(&mut stop) => break,
        };
        match accepted {
            Ok(((stream, peer), seat)) => {
                let connection = Connection {
                    peer,
                    router: router.clone(),
                    transfers,
                    stop: stop.clone(),
                    _seat: seat,
                };
                let line = Line::new(stream, transfers);
                match &tls {
                    None => {
                        let files = line.files();
                        connections.spawn(connection.speak(line, Some(files)));
                    }
                    Some(tls) => {
                        connections.spawn(connection.shake_hands(line, Arc::clone(tls)));
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
    transfers: Transfers,
    stop: watch::Receiver<bool>,
    _seat: Seat,
}

impl Connection {
    async fn shake_hands(self, stream: Line, tls: Arc<Tls>) {
        // Taken now, so that this connection keeps its certificate when the files change.
        let acceptor = TlsAcceptor::from(tls.current());
        drop(tls);
        let patience = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
        let shaken = tokio::time::timeout(patience, acceptor.accept(stream));
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
        let Self {
            peer,
            router,
            stop,
            _seat,
            ..
        } = self;
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
    async fn speak_second_version(self, stream: TlsStream<Line>) {
        let Self {
            peer,
            router,
            transfers,
            stop,
            _seat,
        } = self;
        let second = Second {
            peer,
            router,
            transfers,
            stop,
        };
        second.speak(stream).await;
    }
}

fn speaks_second_version(stream: &TlsStream<Line>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(tls::SECOND_VERSION)
}
