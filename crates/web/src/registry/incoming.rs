//! Request bodies. A body that a refusal leaves unread is read on for a while after the answer: closing a connection
//! on unread bytes makes the kernel reset it, and the client then loses the answer that tells what was wrong.

use std::time::{Duration, Instant};

use app::registry::{Fault, Refusal};
use app::settings::Transfers;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use oci::ErrorCode;

use crate::line::Pace;

/// Unread bytes that are read on after an answer.
const DRAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long unread bytes are waited for.
const DRAIN_SECONDS_MAX: u64 = 10;

/// A request body that is not cut off by our own hand.
pub(super) struct Incoming {
    bytes: Option<BodyDataStream>,
    pace: Pace,
    /// Not for bodies that are too long for it, and not for clients that wait for our leave before they send.
    drains: bool,
}

impl Incoming {
    /// Takes the body of a request.
    pub(super) fn new(headers: &HeaderMap, body: Body, limits: Transfers) -> Self {
        let announced = body.size_hint().lower();
        let drains = !headers.contains_key(EXPECT) && announced <= DRAIN_BYTES_MAX;
        Self {
            bytes: Some(body.into_data_stream()),
            pace: Pace::new(limits),
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

    /// The next bytes, or an error when the client is slower than the operator allows.
    async fn receive(&mut self) -> Option<std::io::Result<Bytes>> {
        let stream = self.bytes.as_mut()?;
        let begun = Instant::now();
        let mut item = match tokio::time::timeout(self.pace.silence(), stream.next()).await {
            Ok(item) => item.map(|result| result.map_err(std::io::Error::other)),
            Err(_) => Some(Err(std::io::ErrorKind::TimedOut.into())),
        };
        if let Some(Ok(bytes)) = &item
            && !self.pace.keeps_up(begun.elapsed(), bytes.len())
        {
            item = Some(Err(std::io::ErrorKind::TimedOut.into()));
        }
        if !matches!(item, Some(Ok(_))) {
            self.bytes = None;
        }
        item
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

    fn with(body: Body, limits: Transfers) -> Incoming {
        Incoming::new(&HeaderMap::new(), body, limits)
    }

    #[tokio::test]
    async fn a_trickle_and_a_silent_sender_are_let_go() {
        let hasty = Transfers {
            silence_max: Duration::from_secs(60),
            window: Duration::from_millis(50),
            window_bytes_min: 1_000,
        };
        let error = with(trickle(), hasty).collect(usize::MAX, "body").await;
        assert!(matches!(error, Err(Refusal::Interrupted(_))), "{error:?}");
        let silent = Transfers {
            silence_max: Duration::from_millis(1),
            ..hasty
        };
        let nothing = Body::from_stream(futures_util::stream::pending::<std::io::Result<Bytes>>());
        let error = with(nothing, silent).collect(usize::MAX, "body").await;
        assert!(matches!(error, Err(Refusal::Interrupted(_))), "{error:?}");
        let slow = Transfers {
            window_bytes_min: 1,
            ..hasty
        };
        let mut body = with(trickle(), slow);
        for _ in 0..40 {
            assert!(body.receive().await.is_some_and(|item| item.is_ok()));
        }
    }
}
