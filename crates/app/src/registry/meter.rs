//! Counts the bytes of a body on their way into storage, stops it at a limit, and remembers how it ended: storage only
//! tells that its source failed, not why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

/// A body as it comes from the network.
pub(super) type Body = BoxStream<'static, std::io::Result<Bytes>>;

#[derive(Default)]
struct State {
    received: AtomicU64,
    over: AtomicBool,
    broken: AtomicBool,
}

/// How a metered body is doing.
pub(super) struct Watch(Arc<State>);

impl Watch {
    /// Bytes that came.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::SeqCst)
    }

    /// Whether it was stopped at its limit.
    pub(super) fn over(&self) -> bool {
        self.0.over.load(Ordering::SeqCst)
    }

    /// Whether the client's side failed.
    pub(super) fn broken(&self) -> bool {
        self.0.broken.load(Ordering::SeqCst)
    }
}

/// A body that ends in an error after `bytes_max` bytes, and the watch on it.
pub(super) fn meter(body: Body, bytes_max: u64) -> (Body, Watch) {
    let state = Arc::new(State::default());
    let seen = Arc::clone(&state);
    let counted = body.map(move |item| {
        let Ok(bytes) = item else {
            seen.broken.store(true, Ordering::SeqCst);
            return item;
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if seen
            .received
            .fetch_add(length, Ordering::SeqCst)
            .saturating_add(length)
            > bytes_max
        {
            seen.over.store(true, Ordering::SeqCst);
            return Err(std::io::Error::other("the body is longer than allowed"));
        }
        Ok(bytes)
    });
    (counted.boxed(), Watch(state))
}

/// The body with its first bytes already there; nothing when it ends without any.
pub(super) async fn begun(mut body: Body) -> Option<Body> {
    loop {
        match body.next().await {
            None => return None,
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(first) => return Some(futures_util::stream::iter([first]).chain(body).boxed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(parts: &[&'static str]) -> Body {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| Ok(Bytes::from_static(part.as_bytes())))
            .collect();
        futures_util::stream::iter(parts).boxed()
    }

    #[tokio::test]
    async fn counts_and_stops_at_the_limit() {
        let (counted, watch) = meter(body(&["abc", "def"]), 6);
        assert_eq!(
            counted
                .filter(|item| std::future::ready(item.is_ok()))
                .count()
                .await,
            2
        );
        assert_eq!(
            (watch.received(), watch.over(), watch.broken()),
            (6, false, false)
        );
        let (mut counted, watch) = meter(body(&["abc", "def"]), 5);
        assert!(counted.next().await.is_some_and(|item| item.is_ok()));
        assert!(counted.next().await.is_some_and(|item| item.is_err()));
        assert!(watch.over() && !watch.broken());
    }

    #[tokio::test]
    async fn a_body_without_bytes_is_none() {
        assert!(begun(body(&["", ""])).await.is_none());
        let all: Vec<Bytes> = begun(body(&["", "a", "b"]))
            .await
            .unwrap()
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(all.concat(), b"ab");
    }
}
