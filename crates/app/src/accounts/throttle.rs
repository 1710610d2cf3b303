//! Slows down guessing: a bucket for each address and each network peer. Kept in this process; replicas each have their
//! own, which multiplies an attacker's budget by their number and no more.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::error::Refused;

/// Tries at once.
const TRIES_AT_ONCE: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");
/// Tries a minute after that.
const TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Keys remembered before the idle ones are dropped.
const KEYS_MAX: usize = 50_000;

/// See the module.
pub struct Throttle {
    tries: RateLimiter<String, DashMapStateStore<String>, DefaultClock>,
}

impl Default for Throttle {
    fn default() -> Self {
        let quota = Quota::per_minute(TRIES_A_MINUTE).allow_burst(TRIES_AT_ONCE);
        Self {
            tries: RateLimiter::keyed(quota),
        }
    }
}

impl Throttle {
    /// Counts one try for a key such as `sign-in:person@example.com` and refuses when there were too many.
    pub fn check(&self, key: &str) -> Result<(), Refused> {
        if self.tries.len() > KEYS_MAX {
            self.tries.retain_recent();
        }
        self.tries.check_key(&key.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refused::TooMany {
                seconds: wait.as_secs() + 1,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninth_guess_waits_and_others_do_not() {
        let throttle = Throttle::default();
        for _ in 0..8 {
            throttle.check("sign-in:a@example.com").unwrap();
        }
        assert!(matches!(
            throttle.check("sign-in:a@example.com"),
            Err(Refused::TooMany { seconds: 1.. })
        ));
        throttle.check("sign-in:b@example.com").unwrap();
    }
}
