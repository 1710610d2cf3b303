//! How long a token holds, and when the next one is due.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The next token is fetched this long before the end of the last one, as the SDKs do, or earlier for a short one.
const MARGIN_MAX: Duration = Duration::from_secs(120);

/// When a token that begins now ends, in seconds since 1970.
pub fn expires(life: Duration) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (now + life).as_secs()
}

/// When the token after one that begins now is due. Measured by the steady clock: a device's clock may jump.
pub fn renewal(life: Duration) -> Instant {
    Instant::now() + (life - MARGIN_MAX.min(life / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_its_end() {
        for (life, after) in [(3600, 3480), (60, 45), (480, 360)] {
            let left = renewal(Duration::from_secs(life)) - Instant::now();
            assert_eq!(left.as_secs_f64().round() as u64, after);
        }
    }
}
