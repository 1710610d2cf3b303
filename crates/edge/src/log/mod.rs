//! The event log of a run: everything observed, with the time since the run began. It is the evidence that rules judge.
//!
//! It is bounded: the first [`KEPT_PER_TOPIC`] events of a topic, [`BYTES_MAX`] bytes and [`TOPICS_MAX`] topics a run
//! are kept; what comes after is only counted. A flood costs a counter, not memory. Messages and their like have
//! [`PAYLOAD_BYTES_MAX`] to themselves, and every other kind its own share of the rest: no chatter of a module takes
//! the place of its connections and ends.

mod event;

pub use event::{Event, Reading, cut, cut_properties, excerpt};

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::broadcast;

/// Events of one topic that are kept.
pub const KEPT_PER_TOPIC: u64 = 1_000;
/// Bytes of kept events, as JSON lines.
pub const BYTES_MAX: usize = 10 * 1024 * 1024;
/// Bytes of those that carry what a module says: messages, reported properties, methods.
pub const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of each other kind; the rest has room for twenty such kinds.
const KIND_BYTES_MAX: usize = (BYTES_MAX - PAYLOAD_BYTES_MAX) / 20;
/// Characters of what an event is about that a topic is told by.
const ABOUT_CHARS_MAX: usize = 128;
/// Topics that are told apart; later ones count under their kind alone.
pub const TOPICS_MAX: usize = 1_000;
/// Events that a slow listener may lag behind.
const LISTENER_LAG_MAX: usize = 256;

/// One event, when and whose.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Number in the run, from 1; a gap means events that were only counted.
    pub number: u64,
    /// Microseconds since the run began.
    pub at_us: u64,
    /// The module it concerns, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// How many events of a topic there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All of them.
    pub seen: u64,
    /// Those that are in the log.
    pub kept: u64,
}

/// The log; clones share it.
#[derive(Debug, Clone)]
pub struct EventLog {
    began: Instant,
    inner: Arc<Mutex<Inner>>,
    live: broadcast::Sender<Arc<Entry>>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Arc<Entry>>,
    /// Of kinds that carry payloads together, and of each other kind by its name.
    payload_bytes: usize,
    kind_bytes: HashMap<&'static str, usize>,
    number: u64,
    /// Kind, module, and what the event says it is about.
    counts: HashMap<&'static str, HashMap<String, Count>>,
    topics: usize,
}

impl EventLog {
    /// An empty log whose clock starts now.
    pub fn new(began: Instant) -> Self {
        Self {
            began,
            inner: Arc::default(),
            live: broadcast::Sender::new(LISTENER_LAG_MAX),
        }
    }

    /// Records an event of a module, or of the hub itself.
    pub fn record(&self, module: Option<&str>, event: Event) {
        let kind = event.kind();
        let about = shortened(event.about()).to_owned();
        self.record_with(module, kind, &about, || event);
    }

    /// Records an event that is made only if somebody gets to see it: a flood of messages is counted, not read.
    pub fn record_with(
        &self,
        module: Option<&str>,
        kind: &'static str,
        about: &str,
        event: impl FnOnce() -> Event,
    ) {
        let at = self.began.elapsed();
        let mut inner = self.lock();
        inner.number += 1;
        let kept = inner.count(module, kind, about);
        if !kept && self.live.receiver_count() == 0 {
            return;
        }
        let event = event();
        let entry = Arc::new(Entry {
            number: inner.number,
            at_us: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            module: module.map(str::to_owned),
            event,
        });
        if kept {
            inner.keep(&entry);
        }
        // Sent under the lock, so that listeners hear events in their order; nobody listening is no failure.
        let _ = self.live.send(entry);
    }

    /// Kept events in order, from the given number on.
    pub fn entries(&self, from: u64) -> Vec<Arc<Entry>> {
        let inner = self.lock();
        let at = inner.entries.partition_point(|entry| entry.number < from);
        inner.entries[at..].to_vec()
    }

    /// How many events of each topic there were; a topic reads `kind module/about`.
    pub fn counts(&self) -> BTreeMap<String, Count> {
        let inner = self.lock();
        let all = inner.counts.iter().flat_map(|(kind, topics)| {
            topics.iter().map(move |(about, count)| {
                (format!("{kind} {about}").trim_end().to_owned(), *count)
            })
        });
        all.collect()
    }

    /// How many events of a kind there were of a module, kept or not.
    pub fn seen(&self, kind: &str, module: &str) -> u64 {
        let inner = self.lock();
        let topics = inner.counts.get(kind).into_iter().flatten();
        // Topics beyond those told apart count for whoever asks: a run has one module that floods.
        let own = topics.filter(|(topic, _)| {
            let rest = topic.strip_prefix(module);
            topic.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        own.map(|(_, count)| count.seen).sum()
    }

    /// The number that the next event will have.
    pub fn next_number(&self) -> u64 {
        self.lock().number + 1
    }

    /// The kept events as JSON lines, then one line with all counts.
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for entry in self.entries(0) {
            text.push_str(&serde_json::to_string(&*entry).unwrap_or_default());
            text.push('\n');
        }
        let counts = serde_json::json!({"event": "counts", "topics": self.counts()});
        text.push_str(&format!("{counts}\n"));
        text
    }

    /// Hears every event from now on, kept or not.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.live.subscribe()
    }

    /// Waits for the first kept event, from `from` on, that `wanted` accepts; `None` when `patience` ends first.
    pub async fn wait_for(
        &self,
        from: u64,
        patience: Duration,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Option<Arc<Entry>> {
        let mut live = self.listen();
        let search = async {
            let mut seen = from;
            loop {
                // Looked up in the log itself: a listener that lagged must not miss what is kept.
                let kept = self.entries(seen);
                if let Some(found) = kept.iter().find(|entry| wanted(entry)) {
                    return Some(Arc::clone(found));
                }
                seen = kept.last().map_or(seen, |entry| entry.number + 1);
                loop {
                    match live.recv().await {
                        Ok(entry) if entry.number < seen => {}
                        Ok(entry) if wanted(&entry) => return Some(entry),
                        Ok(entry) => seen = entry.number + 1,
                        Err(broadcast::error::RecvError::Lagged(_)) => break,
                        Err(broadcast::error::RecvError::Closed) => return None,
                    }
                }
            }
        };
        tokio::time::timeout(patience, search).await.ok().flatten()
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts an event; tells whether it is to be kept.
    fn count(&mut self, module: Option<&str>, kind: &'static str, about: &str) -> bool {
        let full = if event::carries_payload(kind) {
            self.payload_bytes >= PAYLOAD_BYTES_MAX
        } else {
            self.kind_bytes.get(kind).copied().unwrap_or(0) >= KIND_BYTES_MAX
        };
        let module = module.unwrap_or_default();
        let topics = self.counts.entry(kind).or_default();
        let mut topic = format!("{module}/{}", shortened(about));
        if about.is_empty() {
            topic.truncate(module.len());
        }
        if !topics.contains_key(&topic) {
            if self.topics >= TOPICS_MAX {
                topic = String::new();
            }
            self.topics += 1;
        }
        let count = topics.entry(topic).or_default();
        count.seen += 1;
        let kept = !full && count.kept < KEPT_PER_TOPIC;
        count.kept += u64::from(kept);
        kept
    }

    fn keep(&mut self, entry: &Arc<Entry>) {
        let bytes = serde_json::to_string(&**entry).map_or(0, |line| line.len() + 1);
        let kind = entry.event.kind();
        if event::carries_payload(kind) {
            self.payload_bytes += bytes;
        } else {
            *self.kind_bytes.entry(kind).or_default() += bytes;
        }
        self.entries.push(Arc::clone(entry));
    }
}

fn shortened(about: &str) -> &str {
    let end = about.char_indices().nth(ABOUT_CHARS_MAX);
    end.map_or(about, |(end, _)| &about[..end])
}

#[cfg(test)]
mod tests;
