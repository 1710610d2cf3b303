//! A connection of HTTP/2: many requests at once, so its limits are those of all of them together. The library takes a piece
//! of every body before the other side has room for it, so one that never makes room is noticed by what is handed over.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use app::settings::Transfers;
use axum::Router;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::under_way::{Answers, Requests};
use super::{HEAD_SECONDS_MAX, asked_to_stop};

/// Requests at once on one connection; each may hold slices of a blob in memory.
const STREAMS_MAX: u32 = 16;
/// Peers that vanished are noticed by asking this often.
const PING_SECONDS: u64 = 30;
/// How often a connection is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Second {
    pub(super) peer: SocketAddr,
    pub(super) router: Router,
    pub(super) transfers: Transfers,
    pub(super) stop: watch::Receiver<bool>,
}

impl Second {
    /// Answers until either side closes, until it is idle for long, or until the other side takes too little.
    pub(super) async fn speak<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (peer, transfers, mut stop) = (self.peer, self.transfers, self.stop);
        let (answers, requests) = Answers::of(self.router, peer, None);
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(Duration::from_secs(PING_SECONDS))
            .serve_connection(TokioIo::new(stream), answers);
        let mut look = tokio::time::interval(LOOK_EVERY.min(transfers.window));
        let mut watch = Watch::new(transfers);
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = asked_to_stop(&mut stop), if !watch.ending() => {
                    watch.end();
                    Pin::new(&mut connection).graceful_shutdown();
                }
                _ = look.tick() => match watch.look(&requests) {
                    Sight::Good => {}
                    Sight::Idle => Pin::new(&mut connection).graceful_shutdown(),
                    Sight::Stuck => {
                        tracing::debug!(%peer, "a connection took too little and is ended");
                        return;
                    }
                },
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}

/// What one look at a connection finds.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    Good,
    /// Nobody asked for anything for long: it is to end in peace. Said once.
    Idle,
    /// The other side takes less than it must.
    Stuck,
}

/// What is remembered from look to look.
struct Watch {
    transfers: Transfers,
    /// How many requests were answered when last something happened, and when.
    answered: (Option<u64>, Instant),
    /// Since when it is to end.
    ending: Option<Instant>,
    /// Begin of the window of time, and what was handed over then, while a body waits.
    window: Option<(Instant, u64)>,
}

impl Watch {
    fn new(transfers: Transfers) -> Self {
        Self {
            transfers,
            answered: (None, Instant::now()),
            ending: None,
            window: None,
        }
    }

    fn ending(&self) -> bool {
        self.ending.is_some()
    }

    fn end(&mut self) {
        self.ending = Some(Instant::now());
    }

    fn look(&mut self, requests: &Requests) -> Sight {
        self.look_at(
            requests.all_answered(),
            requests.waiting_at(),
            Instant::now(),
        )
    }

    fn look_at(&mut self, answered: Option<u64>, waiting_at: Option<u64>, now: Instant) -> Sight {
        let Transfers {
            window,
            window_bytes_min,
            ..
        } = self.transfers;
        match (self.window, waiting_at) {
            (Some((since, before)), Some(moved)) if now - since >= window => {
                if moved - before < window_bytes_min {
                    return Sight::Stuck;
                }
                self.window = Some((now, moved));
            }
            (None, Some(moved)) => self.window = Some((now, moved)),
            (_, None) => self.window = None,
            (Some(_), Some(_)) => {}
        }
        // The last piece of a body may wait where only the library sees it; so an end in peace has an end too.
        if self.ending.is_some_and(|since| now - since >= window) && answered.is_some() {
            return Sight::Stuck;
        }
        if answered.is_none() || answered != self.answered.0 {
            self.answered = (answered, now);
        }
        let idle = now - self.answered.1 >= Duration::from_secs(HEAD_SECONDS_MAX);
        if idle && self.ending.is_none() {
            self.ending = Some(now);
            return Sight::Idle;
        }
        Sight::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_is_stuck_and_who_asks_nothing_is_idle() {
        let second = Duration::from_secs(1);
        let transfers = Transfers {
            window: 100 * second,
            window_bytes_min: 10,
            ..Transfers::default()
        };
        let from = Instant::now();
        let mut watch = Watch::new(transfers);
        let mut look =
            |at: u32, answered, waiting| watch.look_at(answered, waiting, from + at * second);
        assert_eq!(look(0, None, Some(5)), Sight::Good);
        assert_eq!(look(100, None, Some(15)), Sight::Good, "just enough");
        assert_eq!(look(199, None, Some(15)), Sight::Good);
        assert_eq!(look(199, None, None), Sight::Good, "asked for more");
        assert_eq!(look(200, None, Some(15)), Sight::Good, "a new window");
        assert_eq!(look(300, None, Some(24)), Sight::Stuck);
        let mut watch = Watch::new(transfers);
        let mut look = |at: u32, answered| watch.look_at(answered, None, from + at * second);
        assert_eq!(look(0, Some(0)), Sight::Good);
        assert_eq!(look(70, Some(1)), Sight::Good);
        assert_eq!(look(144, Some(1)), Sight::Good);
        assert_eq!(look(145, Some(1)), Sight::Idle);
        assert_eq!(look(150, Some(1)), Sight::Good, "said once");
        assert_eq!(look(245, Some(1)), Sight::Stuck, "it did not go");
        let mut watch = Watch::new(transfers);
        assert_eq!(
            watch.look_at(None, None, from + 900 * second),
            Sight::Good,
            "a long upload"
        );
    }
}
