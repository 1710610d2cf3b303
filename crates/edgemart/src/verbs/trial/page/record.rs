//! The latest events of a run and what they add up to, for a page that asks now and then. The event log keeps the first of
//! each kind, as evidence; here it is the last that count.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use edge::log::{Entry, Event, EventLog};
use tokio::sync::broadcast::error::RecvError;

/// Events that are kept.
const KEPT_MAX: usize = 2_000;
/// Events in one answer.
const ANSWER_MAX: usize = 500;
/// Seconds that a rate looks back.
const MINUTE: u64 = 60;

/// The record; clones share it.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    entries: VecDeque<Arc<Entry>>,
    modules: BTreeMap<String, Tally>,
    last: u64,
    away: bool,
    log: Option<EventLog>,
}

/// What a module's events add up to.
#[derive(Default)]
struct Tally {
    messages: u64,
    /// Messages of each second that had some.
    seconds: VecDeque<(u64, u64)>,
    twin_changes: u64,
}

/// The same, as of now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) messages: u64,
    pub(super) per_minute: u64,
    /// Grows whenever the twin may have changed.
    pub(super) twin_changes: u64,
}

impl Record {
    /// Writes down what a log has, and everything that comes, for ever.
    pub(super) async fn listen(self, log: EventLog) {
        let mut live = log.listen();
        self.lock().log = Some(log.clone());
        for entry in log.entries(0) {
            self.take(entry);
        }
        loop {
            match live.recv().await {
                Ok(entry) => self.take(entry),
                // What a flood takes away from the page is not missed on it.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn take(&self, entry: Arc<Entry>) {
        let mut inner = self.lock();
        if entry.number <= inner.last {
            return;
        }
        inner.last = entry.number;
        match &entry.event {
            Event::HubStarted => inner.away = false,
            Event::HubStopped => inner.away = true,
            _ => {}
        }
        if let Some(module) = &entry.module {
            let tally = inner.modules.entry(module.clone()).or_default();
            match &entry.event {
                Event::Message { .. } => tally.message(entry.at_us / 1_000_000),
                Event::DesiredChanged { .. } | Event::Reported { .. } => tally.twin_changes += 1,
                _ => {}
            }
        }
        inner.entries.push_back(entry);
        if inner.entries.len() > KEPT_MAX {
            inner.entries.pop_front();
        }
    }

    /// The newest events after a number, oldest first, and the number of the last one there is.
    pub(super) fn after(&self, number: u64) -> (u64, Vec<Arc<Entry>>) {
        let inner = self.lock();
        let from = inner
            .entries
            .partition_point(|entry| entry.number <= number);
        let from = from.max(inner.entries.len().saturating_sub(ANSWER_MAX));
        let entries = inner.entries.iter().skip(from).cloned().collect();
        (inner.last.max(number), entries)
    }

    pub(super) fn counts(&self, module: &str) -> Counts {
        let inner = self.lock();
        let now = inner.log.as_ref().map_or(0, |log| log.elapsed().as_secs());
        let tally = inner.modules.get(module);
        tally.map_or_else(Counts::default, |tally| Counts {
            messages: tally.messages,
            per_minute: tally.per_minute(now),
            twin_changes: tally.twin_changes,
        })
    }

    pub(super) fn hub_is_away(&self) -> bool {
        self.lock().away
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn message(&mut self, second: u64) {
        self.messages += 1;
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
        while self
            .seconds
            .front()
            .is_some_and(|(first, _)| first + MINUTE < second)
        {
            self.seconds.pop_front();
        }
    }

    fn per_minute(&self, now: u64) -> u64 {
        let recent = self
            .seconds
            .iter()
            .filter(|(second, _)| second + MINUTE > now);
        recent.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64, at_seconds: u64, event: Event) -> Arc<Entry> {
        Arc::new(Entry {
            number,
            at_us: at_seconds * 1_000_000,
            module: Some("m".into()),
            event,
        })
    }

    fn message() -> Event {
        Event::Message {
            output: None,
            body: edge::log::Reading::of(b"{}"),
            properties: BTreeMap::new(),
            system: BTreeMap::new(),
        }
    }

    #[test]
    fn the_latest_are_kept_and_counted() {
        let record = Record::default();
        for number in 1..=KEPT_MAX as u64 + 10 {
            record.take(entry(number, number / 100, message()));
        }
        record.take(entry(5, 0, message()));
        let (last, entries) = record.after(0);
        assert_eq!(last, KEPT_MAX as u64 + 10);
        assert_eq!(entries.len(), ANSWER_MAX);
        assert_eq!(entries[ANSWER_MAX - 1].number, last);
        assert_eq!(record.after(last - 2).1.len(), 2);
        assert!(record.after(last).1.is_empty());
        assert_eq!(record.counts("m").messages, last);
        assert_eq!(record.counts("other"), Counts::default());
    }

    #[test]
    fn a_rate_looks_back_a_minute() {
        let mut tally = Tally::default();
        for second in 0..200 {
            tally.message(second);
            tally.message(second);
        }
        assert_eq!(tally.per_minute(199), 2 * MINUTE);
        assert_eq!(tally.per_minute(229), MINUTE);
        assert_eq!(tally.per_minute(500), 0);
        assert!(tally.seconds.len() <= MINUTE as usize + 1);
    }

    #[test]
    fn the_hub_and_the_twin_are_followed() {
        let record = Record::default();
        record.take(entry(1, 0, Event::HubStopped));
        assert!(record.hub_is_away());
        record.take(entry(2, 0, Event::HubStarted));
        assert!(!record.hub_is_away());
        let reported = Event::Reported {
            patch: serde_json::json!({}),
            version: 2,
        };
        record.take(entry(3, 0, reported));
        assert_eq!(record.counts("m").twin_changes, 1);
    }
}
