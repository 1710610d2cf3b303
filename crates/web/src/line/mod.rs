//! A connection: what the kernel is told about it, how slow its other side may be, and how files go out on it without
//! passing through our memory. A transfer may take hours, so nothing here limits the whole of one: a connection ends when
//! its other side is gone, takes nothing at all for a while, or takes no more than a trickle. Slow senders are the
//! registry's own affair (`registry/incoming.rs`), by the same measure.

mod connection;
mod files;
mod pace;

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

pub use connection::Line;
pub use files::Files;
pub(crate) use files::STRETCH_BYTES;
pub(crate) use pace::Pace;

/// After how much quiet the kernel asks whether the other side is still there.
const ASK_AFTER_SECONDS: u64 = 60;
/// How long it waits between two such questions.
const ASK_EVERY_SECONDS: u64 = 15;
/// Questions without an answer after which the other side is gone.
const ASK_TIMES_MAX: u32 = 4;

/// Prepares a connection just accepted. `silence` is how long the other side may acknowledge nothing, or keep its window
/// shut, while we have something to send.
fn prepare(stream: &TcpStream, silence: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(ASK_AFTER_SECONDS))
        .with_interval(Duration::from_secs(ASK_EVERY_SECONDS))
        .with_retries(ASK_TIMES_MAX);
    // Linux counts a window that stays shut as silence too, which is what ends a reader that stalled.
    let told = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(silence)));
    if let Err(error) = told {
        // The connection works all the same; only its end may be noticed late.
        tracing::debug!(%error, "a connection could not be prepared");
    }
}
