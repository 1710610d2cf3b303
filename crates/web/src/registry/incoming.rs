//! Request bodies. A body that a refusal leaves unread is read on for a while after the answer: closing a connection
//! on unread bytes makes the kernel reset it, and the client then loses the answer that tells what was wrong.

use std::time::{Duration, Instant};

use app::registry::{Fault, Refusal};
use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use oci::ErrorCode;

/// Unread bytes that are read on after an answer.
const DRAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What is asked of a sender. There is no limit on the whole, since a thin line takes its time.
const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(300),
    window: Duration::from_secs(600),
    window_bytes_min: 64 * 1024,
};
/// How long unread bytes are waited for.
const DRAIN_SECONDS_MAX: u64 = 10;

/// How slow a sender may be.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Without a single byte.
    silence: Duration,
    /// Time over which its rate is measured…
    window: Duration,
    /// …and what must come in that time: less than the thinnest line carries, more than a trickle that only holds a
    /// connection.
    window_bytes_min: u64,
}

/// A request body that is not cut off by our own hand.
pub(super) struct Incoming {
    bytes: Option<BodyDataStream>,
    patience: Patience,
    /// How long we waited in the present window, and what came in it.
    window: (Duration, u64),
    /// Not for bodies that are too long for it, and not for clients that wait for our leave before they send.
    drains: bool,
}

impl Incoming {
    /// Takes the body of a request.
    pub(super) fn new(headers: &HeaderMap, body: Body) -> Self {
        let announced = body.size_hint().lower();
        let drains = !headers.contains_key(EXPECT) && announced <= DRAIN_BYTES_MAX;
        Self {
            bytes: Some(body.into_data_stream()),
            patience: PATIENCE,
            window: (Duration::ZERO, 0),
            drains,
        }
    }

    /// The bytes as the use-cases take them.
    pub(super) fn boxed(self) -> BoxStream<'static, std::io::Result<Bytes>> {
        unfold(self, |mut body| async move {
            body.receive().await.map(|item| (item, body))
        })
        .boxed()
    }

    /// The next bytes, or an error when the client is slower than our [`PATIENCE`].
    async fn receive(&mut self) -> Option<std::io::Result<Bytes>> {
        let stream = self.bytes.as_mut()?;
        let begun = Instant::now();
        let mut item = match tokio::time::timeout(self.patience.silence, stream.next()).await {
            Ok(item) => item.map(|result| result.map_err(std::io::Error::other)),
            Err(_) => Some(Err(std::io::ErrorKind::TimedOut.into())),
        };
        if let Some(Ok(bytes)) = &item
            && !self.keeps_up(begun.elapsed(), bytes.len())
        {
            item = Some(Err(std::io::ErrorKind::TimedOut.into()));
        }
        if !matches!(item, Some(Ok(_))) {
            self.bytes = None;
        }
        item
    }

    /// Whether the sender brings enough for the time that we wait for it. Time that we take ourselves does not count.
    fn keeps_up(&mut self, waited: Duration, bytes: usize) -> bool {
        let (window, seen) = &mut self.window;
        *window += waited;
        *seen = seen.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if *window < self.patience.window {
            return true;
        }
        let enough = *seen >= self.patience.window_bytes_min;
        self.window = (Duration::ZERO, 0);
        enough
    }

    /// All bytes, when they are no more than `bytes_max`.
    pub(super) async fn collect(
        mut self,
        bytes_max: usize,
        what: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let mut all = Vec::new();
        while let Some(bytes) = self.receive().await {
            let bytes = bytes.map_err(|error| {
                tracing::debug!(%error, "a request body was cut off");
                let message = format!(
                    "the connection broke after {} bytes of the {what}; send it again",
                    all.len()
                );
                Refusal::Interrupted(Fault::new(ErrorCode::SizeInvalid, message))
            })?;
            if all.len() + bytes.len() > bytes_max {
                let message =
                    format!("a {what} may have {bytes_max} bytes, found more; shorten it");
                return Err(Refusal::TooLarge(Fault::new(
                    ErrorCode::SizeInvalid,
                    message,
                )));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(mut rest) = self.bytes.take().filter(|_| self.drains) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let drain = async {
                let mut drained: u64 = 0;
                while let Some(Ok(bytes)) = rest.next().await {
                    drained =
                        drained.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                    if drained > DRAIN_BYTES_MAX {
                        break;
                    }
                }
            };
            // Whoever is slower than this finds the connection closed, which is all we can still say.
            drop(tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), drain).await);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender of one byte every few milliseconds, for as long as anybody listens.
    fn trickle() -> Body {
        let bytes = unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        Body::from_stream(bytes)
    }

    fn with(body: Body, patience: Patience) -> Incoming {
        let mut incoming = Incoming::new(&HeaderMap::new(), body);
        incoming.patience = patience;
        incoming
    }

    #[tokio::test]
    async fn a_trickle_and_a_silent_sender_are_let_go() {
        let hasty = Patience {
            silence: Duration::from_secs(60),
            window: Duration::from_millis(50),
            window_bytes_min: 1_000,
        };
        let error = with(trickle(), hasty).collect(usize::MAX, "body").await;
        assert!(matches!(error, Err(Refusal::Interrupted(_))), "{error:?}");
        let silent = Patience {
            silence: Duration::from_millis(1),
            ..hasty
        };
        let nothing = Body::from_stream(futures_util::stream::pending::<std::io::Result<Bytes>>());
        let error = with(nothing, silent).collect(usize::MAX, "body").await;
        assert!(matches!(error, Err(Refusal::Interrupted(_))), "{error:?}");
        let slow = Patience {
            window_bytes_min: 1,
            ..hasty
        };
        let mut body = with(trickle(), slow);
        for _ in 0..40 {
            assert!(body.receive().await.is_some_and(|item| item.is_ok()));
        }
    }
}
