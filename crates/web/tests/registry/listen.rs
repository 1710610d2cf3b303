//! The listener of these tests: connections as the binary makes them, so that slow clients are let go and files go out by
//! the kernel here, too.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;

use app::settings::Transfers;
use axum::serve::{IncomingStream, Listener};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use web::line::Line;

struct Lines {
    listener: TcpListener,
    transfers: Transfers,
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, peer) = self.listener.accept().await.unwrap();
        (Line::new(stream, self.transfers), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves until aborted.
pub(crate) async fn serve(listener: TcpListener, router: Router, transfers: Transfers) {
    let lines = Lines {
        listener,
        transfers,
    };
    let services = tower::service_fn(move |stream: IncomingStream<'_, Lines>| {
        let files = Extension(Some(stream.io().files()));
        ready(Ok::<_, Infallible>(router.clone().layer(files)))
    });
    axum::serve(lines, services).await.unwrap();
}
