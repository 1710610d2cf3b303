//! How often one client may ask the registry. Kept in this process; each replica counts for itself. A client is an IPv4
//! address or the /64 network of an IPv6 one: devices behind one router share what there is.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::refusal::Refusal;

/// Clients remembered before the idle ones are dropped.
const CLIENTS_MAX: usize = 50_000;
/// Requests between two looks for idle ones: when all are busy, not every request is to look at all of them.
const LOOK_EVERY: usize = 10_000;
/// The network part of an IPv6 address.
const NETWORK_BITS: u32 = 64;

/// See the module.
pub struct Rate {
    limiter: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    asked: AtomicUsize,
}

impl Rate {
    /// So many requests a minute, all of them at once if it must be.
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            asked: AtomicUsize::new(0),
        }
    }

    /// Counts a request of this client, and refuses it when there were too many.
    pub fn check(&self, client: IpAddr) -> Result<(), Refusal> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(LOOK_EVERY) && self.limiter.len() > CLIENTS_MAX {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&whole(client)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal::TooMany {
                seconds: wait.as_secs() + 1,
            }
        })
    }
}

fn whole(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> NETWORK_BITS << NETWORK_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_waits_and_others_do_not() {
        let rate = Rate::new(NonZeroU32::new(2).unwrap());
        let ask = |address: &str| rate.check(address.parse().unwrap());
        for _ in 0..2 {
            ask("192.0.2.1").unwrap();
        }
        assert!(matches!(
            ask("192.0.2.1"),
            Err(Refusal::TooMany { seconds: 1..=31 })
        ));
        ask("192.0.2.2").unwrap();
        ask("2001:db8::1").unwrap();
        ask("2001:db8::2").unwrap();
        assert!(ask("2001:db8::3").is_err(), "one network is one client");
        ask("2001:db8:0:1::3").unwrap();
        assert!(ask("::ffff:192.0.2.1").is_err(), "an IPv4 client by IPv6");
    }
}
