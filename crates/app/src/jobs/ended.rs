//! How a try of a job ended, and whether there will be another. Pure; the runner writes it down.

use store::jobs::{Job, Retry};

use super::Kind;
use crate::clock::{DAY, SECOND};

/// Tries that bring a job no further before it is given up.
const ATTEMPTS_MAX: i32 = 6;
/// How long a job may get further or wait, try after try, before all its tries count.
const WITHOUT_COUNTING_MICROS_MAX: i64 = 7 * DAY;
/// The longest pause between two tries is this power of two, in seconds.
const PAUSE_DOUBLINGS_MAX: i32 = 8;

/// Tries beyond those that did not say how they ended, since their process died: of the very work, perhaps.
const BROKEN_OFF_MAX: i32 = 50;

/// How a try ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Done,
    /// Try again later; the reason is for the log.
    Again(String),
    /// The same, but this try got further than those before it: counting begins anew.
    Onward(String),
    /// The same, but somebody else was at it for a moment: this try does not count.
    Waiting(String),
}

/// When a job is tried again whose try ended like this; `None` gives it up. Of no matter for [`Ended::Done`].
pub(super) fn retry(kind: Kind, job: &Job, ended: &Ended, now: i64) -> Option<Retry> {
    let counting = now - job.created_at > WITHOUT_COUNTING_MICROS_MAX;
    let attempts = match ended {
        Ended::Onward(_) if !counting => 0,
        Ended::Waiting(_) if !counting => job.attempts - 1,
        _ => job.attempts,
    };
    let again = kind.until_done() || attempts < ATTEMPTS_MAX;
    let pause = SECOND << job.attempts.clamp(0, PAUSE_DOUBLINGS_MAX);
    again.then_some(Retry {
        at: now + pause,
        attempts,
    })
}

/// Whether so many processes died over a job that it is not tried again: it would take them down one after another.
pub(super) fn broke_off_too_often(kind: Kind, job: &Job) -> bool {
    !kind.until_done() && job.attempts > ATTEMPTS_MAX + BROKEN_OFF_MAX
}

#[cfg(test)]
mod tests {
    use store::jobs::{Job, JobState, Retry};

    use super::{
        ATTEMPTS_MAX, BROKEN_OFF_MAX, Ended, WITHOUT_COUNTING_MICROS_MAX, broke_off_too_often,
        retry,
    };
    use crate::jobs::Kind;

    fn claimed(attempts: i32) -> Job {
        Job {
            id: "j".into(),
            kind: "import".into(),
            payload: serde_json::Value::Null,
            unique_key: None,
            run_at: 0,
            attempts,
            lease_until: None,
            leased_by: None,
            state: JobState::Running,
            last_error: None,
            created_at: 0,
            finished_at: None,
        }
    }

    /// Runs tries that end like these, one after another; tells how many there were.
    fn tries(kind: Kind, ends: impl Iterator<Item = Ended>) -> usize {
        let (mut attempts, mut count) = (0, 0);
        for ended in ends {
            count += 1;
            match retry(kind, &claimed(attempts + 1), &ended, 1) {
                Some(Retry { attempts: kept, .. }) => attempts = kept,
                None => break,
            }
        }
        count
    }

    fn again() -> impl Iterator<Item = Ended> {
        std::iter::repeat_with(|| Ended::Again("cut".into())).take(100)
    }

    #[test]
    fn only_tries_that_bring_nothing_count() {
        let limit = usize::try_from(ATTEMPTS_MAX).unwrap_or_default();
        assert_eq!(tries(Kind::Import, again()), limit);
        let onward = || std::iter::repeat_with(|| Ended::Onward("cut".into()));
        let after_headway = onward().take(10).chain(again());
        assert_eq!(tries(Kind::Import, after_headway), 10 + limit);
        let waits = std::iter::repeat_with(|| Ended::Waiting("busy".into())).take(10);
        let some = again().take(2).chain(waits).chain(again());
        assert_eq!(tries(Kind::Import, some), 10 + limit);
        assert_eq!(tries(Kind::Purge, again()), 100, "until it is done");
    }

    #[test]
    fn what_ends_every_process_is_given_up() {
        let most = ATTEMPTS_MAX + BROKEN_OFF_MAX;
        assert!(!broke_off_too_often(Kind::Import, &claimed(most)));
        assert!(broke_off_too_often(Kind::Import, &claimed(most + 1)));
        assert!(!broke_off_too_often(Kind::Purge, &claimed(most + 1)));
    }

    #[test]
    fn even_headway_has_an_end() {
        let late = WITHOUT_COUNTING_MICROS_MAX + 1;
        let onward = Ended::Onward("cut".into());
        assert_eq!(
            retry(Kind::Import, &claimed(ATTEMPTS_MAX), &onward, late),
            None
        );
        let counted = retry(Kind::Import, &claimed(1), &onward, late);
        assert_eq!(counted.map(|retry| retry.attempts), Some(1));
    }
}
