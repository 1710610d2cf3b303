//! Whether a module that ended starts again, and after which pause: the edge agent's own arithmetic (fact sheet §1.2).

use std::time::Duration;

use super::board::Phase;

/// Starts after which the agent gives a module up.
pub const RESTARTS_MAX: u32 = 20;
/// A life so long wipes out what came before it.
const HEALTHY_AFTER: Duration = Duration::from_secs(600);
/// First pause before a restart.
const BACK_OFF_UNIT: Duration = Duration::from_secs(10);
/// Longest pause before a restart.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// When a module that ended starts again, as the deployment's `restartPolicy` says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// However it ended.
    #[default]
    Always,
    /// When its exit code is not 0.
    OnFailure,
    /// Not at all.
    Never,
}

/// The restarts of one module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Restarts {
    policy: Restart,
    count: u32,
}

impl Restarts {
    /// None so far.
    pub fn new(policy: Restart) -> Self {
        Self { policy, count: 0 }
    }

    /// What comes after a life that ended with a code.
    pub fn after(&mut self, code: i64, lived: Duration) -> Phase {
        let again = match self.policy {
            Restart::Always => true,
            Restart::OnFailure => code != 0,
            Restart::Never => false,
        };
        if !again {
            return Phase::Ended { code };
        }
        if lived >= HEALTHY_AFTER {
            self.count = 0;
        }
        if self.count >= RESTARTS_MAX {
            return Phase::Failed { code };
        }
        let pause_seconds = back_off(self.count).as_secs();
        self.count += 1;
        Phase::BackOff {
            code,
            pause_seconds,
        }
    }
}

/// How long the agent waits before it starts a module again that was started again so many times.
fn back_off(restarts: u32) -> Duration {
    let factor = 1_u32.checked_shl(restarts).unwrap_or(u32::MAX);
    BACK_OFF_UNIT.saturating_mul(factor).min(BACK_OFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_waits_twice_as_long_each_time() {
        let seconds: Vec<u64> = [0, 1, 2, 4, 5, 31, 99]
            .map(|restarts| back_off(restarts).as_secs())
            .to_vec();
        assert_eq!(seconds, [10, 20, 40, 160, 300, 300, 300]);
    }

    #[test]
    fn a_module_that_ends_again_and_again_is_given_up() {
        let short = Duration::from_secs(1);
        let mut restarts = Restarts::new(Restart::Always);
        let mut pauses = Vec::new();
        while let Phase::BackOff { pause_seconds, .. } = restarts.after(0, short) {
            pauses.push(pause_seconds);
        }
        assert_eq!(pauses.len(), RESTARTS_MAX as usize);
        assert_eq!(pauses[..3], [10, 20, 40]);
        assert_eq!(restarts.after(3, short), Phase::Failed { code: 3 });
        let healed = restarts.after(3, HEALTHY_AFTER);
        assert_eq!(
            healed,
            Phase::BackOff {
                code: 3,
                pause_seconds: 10
            }
        );
    }

    #[test]
    fn the_policy_decides_which_end_is_one() {
        let short = Duration::from_secs(1);
        let mut on_failure = Restarts::new(Restart::OnFailure);
        assert_eq!(on_failure.after(0, short), Phase::Ended { code: 0 });
        assert!(matches!(on_failure.after(1, short), Phase::BackOff { .. }));
        let mut never = Restarts::new(Restart::Never);
        assert_eq!(never.after(1, short), Phase::Ended { code: 1 });
    }
}
