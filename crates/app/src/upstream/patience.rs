//! How long and how often an upstream registry is asked: bounds, back-off, `Retry-After`.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use ring::rand::{SecureRandom, SystemRandom};

use super::{Registry, UpstreamError};
use crate::egress::{Answer, Outgoing};

/// Bounds on one registry. They add to those of [`crate::egress::EgressLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamLimits {
    /// Tries of one request, and of a transfer that makes no headway.
    pub attempts_max: u32,
    /// Pause before the second try; doubled each time.
    pub pause_first: Duration,
    /// Longest pause of our own choosing.
    pub pause_max: Duration,
    /// Longest pause a registry may ask for; more than that ends the import for now.
    pub retry_after_max: Duration,
    /// A manifest, a token, a page of tags must be complete within this.
    pub document_time_max: Duration,
    /// A blob must grow by [`UpstreamLimits::headway_bytes_min`] within this.
    pub headway_time_max: Duration,
    /// See above.
    pub headway_bytes_min: u64,
    /// Times that one blob's transfer is taken up again.
    pub resumes_max: u32,
    /// Pages of a tag list.
    pub tag_pages_max: usize,
    /// Tags of a repository.
    pub tags_max: usize,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            pause_first: Duration::from_millis(500),
            pause_max: Duration::from_secs(20),
            retry_after_max: Duration::from_secs(120),
            document_time_max: Duration::from_secs(120),
            headway_time_max: Duration::from_secs(120),
            headway_bytes_min: 64 * 1024,
            resumes_max: 200,
            tag_pages_max: 200,
            tags_max: 20_000,
        }
    }
}

impl UpstreamLimits {
    /// The pause before try number `attempt + 1` (`attempt` from 1): doubled each time, then somewhere between half
    /// and all of it, so that replicas do not come back together.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doubled = self
            .pause_first
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let mut random = [0_u8; 1];
        // Without randomness the pause is merely even.
        let _even = SystemRandom::new().fill(&mut random);
        let half = doubled.min(self.pause_max) / 2;
        half + half.mul_f32(f32::from(random[0]) / 255.0)
    }
}

impl Registry {
    /// Sends with patience: network failures, 429 and 5xx are tried again.
    pub(super) async fn patiently(&self, request: &Outgoing) -> Result<Answer, UpstreamError> {
        let inner = &*self.0;
        let mut attempt = 1;
        loop {
            let last = attempt >= inner.limits.attempts_max;
            let pause = match inner.egress.send(request.clone()).await {
                Err(error) if last || !error.is_transient() => {
                    return Err(UpstreamError::egress(&inner.at, error));
                }
                Err(_) => inner.limits.pause(attempt),
                Ok(answer) if !is_passing(answer.response.status().as_u16()) => return Ok(answer),
                Ok(answer) => {
                    let asked = retry_after(answer.response.headers());
                    let too_long = asked.is_some_and(|asked| asked > inner.limits.retry_after_max);
                    if last || too_long {
                        return Err(self.busy(&answer, asked));
                    }
                    asked.unwrap_or_default().max(inner.limits.pause(attempt))
                }
            };
            tracing::debug!(upstream = %inner.at, attempt, ?pause, "upstream is asked again after a pause");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn busy(&self, answer: &Answer, asked: Option<Duration>) -> UpstreamError {
        UpstreamError::Busy {
            at: self.0.at.clone(),
            answered: crate::egress::authority(&answer.url),
            status: answer.response.status().as_u16(),
            retry_after: asked,
        }
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// RFC 9110 §10.2.3: seconds, or a date, which is read against the answer's own `Date` so that clocks do not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let until = parser.parse_timestamp(asked).ok()?;
    let now = parser.parse_timestamp(text(DATE)?).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let limits = UpstreamLimits::default();
        for (attempt, millis) in [
            (1, 500),
            (2, 1_000),
            (3, 2_000),
            (7, 20_000),
            (u32::MAX, 20_000),
        ] {
            let pause = limits.pause(attempt).as_millis();
            assert!((millis / 2..=millis).contains(&pause), "{attempt}: {pause}");
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            headers
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let table = [
            (headers(&[("retry-after", "7")]), Some(7)),
            (
                headers(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), date]),
                Some(60),
            ),
            (
                headers(&[("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT"), date]),
                Some(0),
            ),
            (
                headers(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]),
                None,
            ),
            (headers(&[("retry-after", "soon"), date]), None),
            (headers(&[date]), None),
        ];
        for (headers, seconds) in table {
            assert_eq!(
                retry_after(&headers),
                seconds.map(Duration::from_secs),
                "{headers:?}"
            );
        }
    }
}
