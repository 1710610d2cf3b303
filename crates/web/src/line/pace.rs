//! How slow the other side of a transfer may be: no silence longer than one limit, and no less than so many bytes in each
//! window of time that we waited for it. Time that we take ourselves does not count.

use std::time::Duration;

use app::settings::Transfers;

/// The measure of one direction of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    limits: Transfers,
    /// How long we waited in the present window, and what moved in it.
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// By the operator's limits.
    pub(crate) fn new(limits: Transfers) -> Self {
        Self {
            limits,
            waited: Duration::ZERO,
            moved: 0,
        }
    }

    /// How long nothing at all may move.
    pub(crate) fn silence(&self) -> Duration {
        self.limits.silence_max
    }

    /// Notes that so many bytes moved after so long a wait; false when that is less than the windows that went by must
    /// bring. The kernel takes some in advance, so a wait may be much longer than a window and bring much at once.
    pub(crate) fn keeps_up(&mut self, waited: Duration, bytes: usize) -> bool {
        self.waited += waited;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.moved = self.moved.saturating_add(bytes);
        if self.waited < self.limits.window {
            return true;
        }
        let windows = self.waited.as_secs_f64() / self.limits.window.as_secs_f64();
        let enough = self.moved as f64 >= self.limits.window_bytes_min as f64 * windows;
        (self.waited, self.moved) = (Duration::ZERO, 0);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waiting_counts_and_every_window_begins_anew() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(Transfers {
            silence_max: second,
            window: 10 * second,
            window_bytes_min: 100,
        });
        for _ in 0..1_000 {
            assert!(pace.keeps_up(Duration::ZERO, 0), "nobody waited");
        }
        assert!(pace.keeps_up(9 * second, 1));
        assert!(pace.keeps_up(second, 99), "just enough");
        assert!(pace.keeps_up(9 * second, 99));
        assert!(!pace.keeps_up(second, 0), "one byte too few");
        assert!(pace.keeps_up(9 * second, 0), "a new window");
        assert!(!pace.keeps_up(16 * second, 249), "two and a half of them");
        assert!(pace.keeps_up(25 * second, 250));
    }
}
