//! Blobs of an upstream repository as streams: never more bytes than stated, taken up again by `Range` where the
//! connection broke, cut off when they crawl. Whether the bytes are the right ones is for the store to verify.

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use oci::Digest;
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use tokio::time::Instant;

use super::{Ask, Registry, UpstreamError};
use crate::egress::Answer;

/// One blob on its way.
struct Transfer {
    registry: Registry,
    digest: Digest,
    size: u64,
    offset: u64,
    body: Option<Body>,
    /// Tries since the last headway.
    failures: u32,
    resumes: u32,
    /// Offset at the last failure.
    failed_at: u64,
}

struct Body {
    answer: Answer,
    /// Bytes we have already, which a registry without ranges sends again.
    skip: u64,
    window_start: Instant,
    /// Bytes that came in the window, those passed over too.
    window_bytes: u64,
}

enum Step {
    Chunk(Bytes),
    /// The connection ended or broke.
    Broken,
}

impl Registry {
    /// The bytes `resume_from..expected_size` of a blob, in order. The stream fails when there are fewer or more, and
    /// goes on by itself where the connection broke. It owns what it needs; dropping it closes the connection.
    ///
    /// # Errors
    /// [`UpstreamError::BlobMissing`] and whatever else the first answer tells.
    pub async fn blob(
        &self,
        digest: &Digest,
        expected_size: u64,
        resume_from: u64,
    ) -> Result<
        impl Stream<Item = Result<Bytes, UpstreamError>> + Send + 'static + use<>,
        UpstreamError,
    > {
        let offset = resume_from.min(expected_size);
        let mut transfer = Transfer {
            registry: self.clone(),
            digest: digest.clone(),
            size: expected_size,
            offset,
            body: None,
            failures: 0,
            resumes: 0,
            failed_at: offset,
        };
        if offset < expected_size {
            transfer.body = Some(transfer.open().await?);
        }
        Ok(try_unfold(transfer, Transfer::next))
    }
}

impl Transfer {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, UpstreamError> {
        while self.offset < self.size {
            let body = match self.body.take() {
                Some(body) => body,
                None => self.open().await?,
            };
            match self.step(body).await? {
                Step::Chunk(chunk) if chunk.is_empty() => {}
                Step::Chunk(chunk) => {
                    self.offset += chunk.len() as u64;
                    return Ok(Some((chunk, self)));
                }
                Step::Broken => self.pause_after_failure().await?,
            }
        }
        Ok(None)
    }

    fn what(&self) -> String {
        format!("blob {}", self.digest)
    }

    async fn open(&self) -> Result<Body, UpstreamError> {
        let what = self.what();
        let mut answer = self.ask(&what, self.offset).await?;
        if self.offset > 0 && answer.response.status().as_u16() == 416 {
            // A registry that knows of ranges, but not of this one: the whole is read again and its head passed over.
            answer = self.ask(&what, 0).await?;
        }
        let (skip, expected) = match answer.response.status().as_u16() {
            200 => (self.offset, self.size),
            206 if self.offset > 0 => (0, self.part_length(&answer)?),
            404 => {
                return Err(UpstreamError::BlobMissing {
                    at: self.registry.0.at.clone(),
                    digest: self.digest.clone(),
                });
            }
            _ => return Err(self.registry.unexpected(answer, &what).await),
        };
        match answer.response.content_length() {
            Some(length) if length != expected => Err(self.wrong_size(length + self.offset - skip)),
            _ => Ok(Body {
                answer,
                skip,
                window_start: Instant::now(),
                window_bytes: 0,
            }),
        }
    }

    async fn ask(&self, what: &str, offset: u64) -> Result<Answer, UpstreamError> {
        let registry = &self.registry;
        let url = registry.url(&format!("blobs/{}", self.digest)).await?;
        let mut ask = Ask::get(url, what);
        if offset > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={offset}-"))
        {
            ask = ask.header(RANGE, range);
        }
        registry.ask(ask).await
    }

    /// How many bytes a part has. It must start where we asked and belong to a whole of the stated size, or it would be
    /// stitched in wrongly; a registry may send less than asked (RFC 9110 §15.3.7).
    fn part_length(&self, answer: &Answer) -> Result<u64, UpstreamError> {
        let range = answer.response.headers().get(CONTENT_RANGE);
        let range = range
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let Some((first, last, whole)) = content_range(range) else {
            return Err(self.another_part(range));
        };
        if whole.is_some_and(|whole| whole != self.size) {
            return Err(self.wrong_size(whole.unwrap_or_default()));
        }
        if first != self.offset || last < first || last >= self.size {
            return Err(self.another_part(range));
        }
        Ok(last - first + 1)
    }

    fn another_part(&self, range: &str) -> UpstreamError {
        UpstreamError::Protocol {
            at: self.registry.0.at.clone(),
            what: self.what(),
            found: format!("another part (`{}`)", crate::egress::shown(range)),
        }
    }

    fn wrong_size(&self, found: u64) -> UpstreamError {
        UpstreamError::SizeMismatch {
            at: self.registry.0.at.clone(),
            what: self.what(),
            expected: self.size,
            found: found.to_string(),
        }
    }

    /// Reads one chunk; keeps the body for the next one when it came whole.
    async fn step(&mut self, mut body: Body) -> Result<Step, UpstreamError> {
        let limits = &self.registry.0.limits;
        // The connection's own idle limit ends a silent wait; this one ends a crawling one.
        let window_end = body.window_start + limits.headway_time_max;
        let read = tokio::time::timeout_at(window_end, body.answer.response.chunk()).await;
        let mut chunk = match read {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None) | Err(_)) => return Ok(Step::Broken),
            Err(_) => {
                if body.window_bytes < limits.headway_bytes_min {
                    return Err(UpstreamError::TooSlow {
                        at: self.registry.0.at.clone(),
                        what: self.what(),
                        bytes_min: limits.headway_bytes_min,
                        time: limits.headway_time_max,
                    });
                }
                body.window_start = Instant::now();
                body.window_bytes = 0;
                self.body = Some(body);
                return Ok(Step::Chunk(Bytes::new()));
            }
        };
        body.window_bytes += chunk.len() as u64;
        let skipped = chunk
            .len()
            .min(usize::try_from(body.skip).unwrap_or(usize::MAX));
        body.skip -= skipped as u64;
        chunk = chunk.split_off(skipped);
        if self.offset + chunk.len() as u64 > self.size {
            return Err(UpstreamError::SizeMismatch {
                at: self.registry.0.at.clone(),
                what: self.what(),
                expected: self.size,
                found: "more".to_owned(),
            });
        }
        self.body = Some(body);
        Ok(Step::Chunk(chunk))
    }

    async fn pause_after_failure(&mut self) -> Result<(), UpstreamError> {
        let limits = &self.registry.0.limits;
        self.resumes += 1;
        if self.offset - self.failed_at >= limits.headway_bytes_min {
            self.failures = 0;
        }
        self.failures += 1;
        self.failed_at = self.offset;
        if self.failures >= limits.attempts_max || self.resumes > limits.resumes_max {
            return Err(UpstreamError::Cut {
                at: self.registry.0.at.clone(),
                what: self.what(),
                got: self.offset,
                expected: self.size,
                attempts: self.failures,
            });
        }
        tokio::time::sleep(limits.pause(self.failures)).await;
        Ok(())
    }
}

/// First and last byte and, unless `*`, the size of the whole (RFC 9110 §14.4).
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (part, whole) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let whole = match whole {
        "*" => None,
        whole => Some(whole.parse().ok()?),
    };
    Some((first.parse().ok()?, last.parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn content_ranges_are_read_or_refused() {
        for (text, read) in [
            ("bytes 5-9/10", Some((5, 9, Some(10)))),
            ("bytes 5-9/*", Some((5, 9, None))),
            ("bytes */10", None),
            ("bytes 5-9", None),
            ("items 5-9/10", None),
            ("bytes 5-/10", None),
            ("bytes 5-9/ten", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), read, "{text}");
        }
    }
}
