//! The long part of a run, which an operator may ask for: does the module connect with a new token before or when its old
//! one ends? That cannot be forced: how long a token lasts is the module's own choice, an hour with the official SDKs.

use std::time::{Duration, Instant};

use domain::behaviour::{Observed, Renewal};
use jiff::Timestamp;

use super::life::{Met, Running};
use super::{EngineError, Stand};
use crate::log::{Entry, Event, EventLog};

impl Stand {
    /// Waits until the module has a newer token: as long as the old one lasts and a return may take, and no longer than
    /// the plan says.
    pub(super) async fn renew(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        let pace = self.plan.pace;
        let ends = last_token(self.log(), &self.plan.module);
        let (Some(ends), false) = (ends, pace.renewal_max.is_zero()) else {
            return Ok(());
        };
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        let left = Duration::from_secs(ends.saturating_sub(now));
        let patience = pace.renewal_max.min(left + pace.return_max);
        let began = Instant::now();
        let newer = |entry: &Entry| matches!(entry.event, Event::Connected { token_expires, .. } if token_expires > ends);
        let met = running.until(0, patience, newer).await?;
        let waited_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        seen.renewal = Some(Renewal {
            token_left_seconds: left.as_secs(),
            renewed_after_ms: matches!(met, Met::Event).then_some(waited_ms),
            waited_ms,
            exit: running.exit("the renewal of its token"),
        });
        Ok(())
    }
}

/// When the token ends that a module connected with last, in seconds since 1970.
fn last_token(log: &EventLog, module: &str) -> Option<u64> {
    let entries = log.entries(0);
    let mut own = entries
        .iter()
        .rev()
        .filter(|entry| entry.module.as_deref() == Some(module));
    own.find_map(|entry| match entry.event {
        Event::Connected { token_expires, .. } => Some(token_expires),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(token_expires: u64) -> Event {
        Event::Connected {
            client_type: None,
            api_version: "2019-10-01".into(),
            transport: "mqtt".into(),
            clean_session: false,
            session_present: true,
            keep_alive_seconds: 60,
            token_expires,
        }
    }

    #[test]
    fn the_token_that_counts_is_the_last_of_the_module() {
        let log = EventLog::new(Instant::now());
        assert_eq!(last_token(&log, "m"), None);
        log.record(Some("m"), connected(5));
        log.record(Some("m"), connected(9));
        log.record(Some("other"), connected(11));
        log.record(Some("m"), Event::TwinRead { subscribed: true });
        assert_eq!(last_token(&log, "m"), Some(9));
    }
}
