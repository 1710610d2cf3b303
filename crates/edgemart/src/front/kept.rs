//! A connection of HTTP/1.1, kept between requests for next to nothing: the library's half of it (buffers, parser, state;
//! some 15 KiB) is put away a moment after the last answer, and made anew when the next byte comes. Thousands of devices
//! may so keep a connection each.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::watch;
use web::line::Files;

use super::begun::Begun;
use super::under_way::Answers;
use super::{HEAD_SECONDS_MAX, asked_to_stop};

/// How often a connection is looked at; put away when no request came since the last look.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes of a request that are waited for before the library gets to see it.
const FIRST_BYTES_MAX: usize = 16;

/// One connection.
pub(super) struct Kept<S> {
    pub(super) stream: S,
    pub(super) peer: SocketAddr,
    pub(super) router: Router,
    /// The connection's own, when nothing wraps the bytes on the way.
    pub(super) files: Option<Files>,
    pub(super) stop: watch::Receiver<bool>,
}

impl<S> Kept<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Answers until either side closes, or until `stop` and nothing is under way.
    pub(super) async fn speak(mut self) {
        let mut read = Bytes::new();
        loop {
            if read.is_empty() {
                let Some(first) = self.first_bytes().await else {
                    return;
                };
                read = first;
            }
            // In a box, so that a connection which waits does not carry the size of one that works.
            match Box::pin(self.answer(read)).await {
                Some((rest, kept)) => (read, self) = (rest, kept),
                None => return,
            }
        }
    }

    /// Waits for a request to begin.
    async fn first_bytes(&mut self) -> Option<Bytes> {
        let mut buffer = [0; FIRST_BYTES_MAX];
        let head = Duration::from_secs(HEAD_SECONDS_MAX);
        let read = tokio::select! {
            read = tokio::time::timeout(head, self.stream.read(&mut buffer)) => read,
            () = asked_to_stop(&mut self.stop) => return None,
        };
        match read {
            Ok(Ok(count)) if count > 0 => Some(Bytes::copy_from_slice(&buffer[..count])),
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer, %error, "a connection broke between requests");
                None
            }
            // Closed by the other side, or silent for too long.
            Ok(Ok(_)) | Err(_) => None,
        }
    }

    /// Answers requests until the connection ends, or until it is quiet: then what was read of a next one, and the rest.
    async fn answer(self, read: Bytes) -> Option<(Bytes, Self)> {
        let Self {
            stream,
            peer,
            router,
            files,
            mut stop,
        } = self;
        let (answers, requests) = Answers::of(router, peer, files);
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
            .serve_connection(
                TokioIo::new(Begun::new(read, stream, Arc::clone(&requests))),
                answers,
            );
        let mut look = tokio::time::interval(LOOK_EVERY);
        let (mut seen, mut ending) = (None, false);
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = asked_to_stop(&mut stop), if !ending => {
                    ending = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                _ = look.tick(), if !ending => {
                    let before = std::mem::replace(&mut seen, requests.all_answered());
                    // Not before the first request: who sends its head in drops must meet the library's own limit.
                    if seen.is_none_or(|seen| seen == 0) || seen != before {
                        continue;
                    }
                    // Nothing is under way, so this ends the library's half at once. Should it not after all, then it is
                    // in the middle of something, finishes that and closes.
                    ending = true;
                    Pin::new(&mut connection).graceful_shutdown();
                    let put_away =
                        poll_fn(|context| Poll::Ready(connection.poll_without_shutdown(context)));
                    if matches!(put_away.await, Poll::Ready(Ok(()))) {
                        return Some(Self::take_apart(connection.into_parts(), stop));
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
        None
    }

    /// What was read of a next request, and all it takes to go on.
    fn take_apart(
        parts: http1::Parts<TokioIo<Begun<S>>, Answers>,
        stop: watch::Receiver<bool>,
    ) -> (Bytes, Self) {
        let (unread, stream) = parts.io.into_inner().into_parts();
        let read = match parts.read_buf {
            none if none.is_empty() => unread,
            some => [some, unread].concat().into(),
        };
        let Answers {
            router,
            peer,
            files,
            ..
        } = parts.service;
        let kept = Self {
            stream,
            peer,
            router,
            files,
            stop,
        };
        (read, kept)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::sync::Notify;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

    fn kept(router: Router) -> (Kept<DuplexStream>, DuplexStream, watch::Sender<bool>) {
        let (stream, client) = duplex(64 * 1024);
        let (stop, stopped) = watch::channel(false);
        let kept = Kept {
            stream,
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            router,
            files: None,
            stop: stopped,
        };
        (kept, client, stop)
    }

    fn hello() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    async fn until(client: &mut DuplexStream, end: &[u8]) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            let mut byte = [0];
            assert_eq!(client.read(&mut byte).await.unwrap(), 1, "closed early");
            read.push(byte[0]);
        }
        String::from_utf8(read).unwrap()
    }

    #[tokio::test]
    async fn a_quiet_connection_is_put_away_and_goes_on_where_it_was() {
        let (kept, mut client, _stop) = kept(hello());
        client.write_all(REQUEST).await.unwrap();
        let (read, kept) = kept.answer(Bytes::new()).await.expect("put away");
        assert_eq!(read, "");
        let answer = until(&mut client, b"hello").await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("close"));
        // Half a head is not lost, and the next answer comes on the same connection.
        let (first, rest) = REQUEST.split_at(9);
        let going = tokio::spawn(kept.speak());
        client.write_all(first).await.unwrap();
        client.write_all(rest).await.unwrap();
        client.write_all(&REQUEST[..20]).await.unwrap();
        until(&mut client, b"hello").await;
        for _ in 0..2 {
            client.write_all(&REQUEST[20..]).await.unwrap();
            until(&mut client, b"hello").await;
            client.write_all(&REQUEST[..20]).await.unwrap();
        }
        drop(client);
        going.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_under_way_is_never_cut() {
        let go_on = Arc::new(Notify::new());
        let told = Arc::clone(&go_on);
        let slow = get(move || async move {
            let pieces = stream::unfold(0, move |at| {
                let told = Arc::clone(&told);
                async move {
                    if at == 1 {
                        told.notified().await;
                    }
                    (at < 2).then(|| (Ok::<_, std::io::Error>("piece"), at + 1))
                }
            });
            Body::from_stream(pieces)
        });
        let (kept, mut client, _stop) = kept(Router::new().route("/", slow));
        client.write_all(REQUEST).await.unwrap();
        let answering = tokio::spawn(kept.answer(Bytes::new()));
        until(&mut client, b"piece\r\n").await;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        for _ in 0..4 {
            looks.tick().await;
        }
        assert!(!answering.is_finished());
        go_on.notify_one();
        until(&mut client, b"piece\r\n0\r\n\r\n").await;
        assert!(answering.await.unwrap().is_some(), "put away after it");
    }

    #[tokio::test]
    async fn a_stop_ends_who_waits_and_lets_an_answer_finish() {
        let (waiting, _client, stop) = kept(hello());
        let waiting = tokio::spawn(waiting.speak());
        stop.send(true).unwrap();
        waiting.await.unwrap();
        let (going, mut client, stop) = kept(hello());
        stop.send(true).unwrap();
        client.write_all(REQUEST).await.unwrap();
        assert!(going.answer(Bytes::new()).await.is_none());
        drop(client);
    }
}
