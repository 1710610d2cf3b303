//! A module's session: what it subscribed to, and what waits for it. Pure; it outlives connections.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::mqtt::{Publish, Qos};
use crate::topic::Family;

/// Messages to inputs that may be on their way without an acknowledgement.
pub const INFLIGHT_MAX: usize = 16;
/// Messages to inputs that may wait.
pub const QUEUE_MAX: usize = 1_000;
/// Bytes of messages that may wait, topics included.
pub const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of answers, patches and calls that may wait for the connection; one more is taken while there are fewer.
pub(super) const REPLIES_BYTES_MAX: usize = 1024 * 1024;
/// Subscriptions of one session.
pub(super) const SUBSCRIPTIONS_MAX: usize = 50;

/// A session, with or without a connection.
#[derive(Default)]
pub(super) struct Session {
    pub(super) live: Option<Live>,
    /// Whether the module ever connected without asking for a clean session.
    pub(super) known: bool,
    subscriptions: BTreeMap<String, (Family, Qos)>,
    /// Answers, patches and calls: meant for the connection there is, and lost with it.
    replies: VecDeque<(String, Bytes, Qos)>,
    replies_bytes: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    inflight: VecDeque<(u16, Waiting)>,
    last_id: u16,
}

/// The connection a session is served by.
pub(super) struct Live {
    pub(super) number: u64,
    pub(super) wake: Arc<Notify>,
}

/// A message to an input.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) input: String,
    pub(super) topic: String,
    pub(super) payload: Bytes,
    /// Sent before, on an earlier connection, under this identifier.
    pub(super) sent_as: Option<u16>,
}

impl Waiting {
    /// What it costs to keep; a topic can be as large as a payload.
    fn bytes(&self) -> usize {
        self.input.len() + self.topic.len() + self.payload.len()
    }
}

/// Why something reaches nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// No connection, or no subscription to the family.
    NotSubscribed,
    /// The module does not take what waits for it.
    Crowded,
}

impl Session {
    /// Takes over by a new connection. An earlier one is told to look, and finds that it is no longer served.
    pub(super) fn attach(&mut self, number: u64, clean: bool) -> (Arc<Notify>, bool) {
        self.detach();
        let present = self.known && !clean;
        // A clean session ends with its connection, also when the next one asks for none.
        if !present {
            self.subscriptions.clear();
            for message in &mut self.waiting {
                message.sent_as = None;
            }
        }
        self.known = !clean;
        let wake = Arc::new(Notify::new());
        self.live = Some(Live {
            number,
            wake: Arc::clone(&wake),
        });
        (wake, present)
    }

    /// Ends the connection there is. What was not acknowledged waits again, in its order.
    pub(super) fn detach(&mut self) {
        if let Some(live) = self.live.take() {
            live.wake.notify_one();
        }
        self.replies.clear();
        self.replies_bytes = 0;
        while let Some((id, mut message)) = self.inflight.pop_back() {
            message.sent_as = Some(id);
            self.waiting_bytes += message.bytes();
            self.waiting.push_front(message);
        }
    }

    pub(super) fn is_served_by(&self, number: u64) -> bool {
        self.live.as_ref().is_some_and(|live| live.number == number)
    }

    /// Notes a subscription; false when there are too many.
    pub(super) fn subscribe(&mut self, filter: &str, family: Family, qos: Qos) -> bool {
        let room =
            self.subscriptions.len() < SUBSCRIPTIONS_MAX || self.subscriptions.contains_key(filter);
        if room {
            self.subscriptions.insert(filter.to_owned(), (family, qos));
        }
        room
    }

    pub(super) fn unsubscribe(&mut self, filter: &str) {
        self.subscriptions.remove(filter);
    }

    /// The best QoS that a family is subscribed with.
    pub(super) fn subscribed(&self, family: Family) -> Option<Qos> {
        let all = self.subscriptions.values();
        all.filter(|(of, _)| *of == family)
            .map(|(_, qos)| *qos)
            .max()
    }

    /// Sends something that only the present connection can use; its topic and payload are made only if it does.
    pub(super) fn reply(
        &mut self,
        family: Family,
        made: impl FnOnce() -> (String, Bytes),
    ) -> Result<(), Unsent> {
        let (Some(live), Some(qos)) = (&self.live, self.subscribed(family)) else {
            return Err(Unsent::NotSubscribed);
        };
        if self.replies.len() >= QUEUE_MAX || self.replies_bytes >= REPLIES_BYTES_MAX {
            return Err(Unsent::Crowded);
        }
        let (topic, payload) = made();
        self.replies_bytes += topic.len() + payload.len();
        self.replies.push_back((topic, payload, qos));
        live.wake.notify_one();
        Ok(())
    }

    /// Lets a message wait for the module; false when too much waits already.
    pub(super) fn push(&mut self, message: Waiting) -> bool {
        let bytes = self.waiting_bytes + message.bytes();
        if self.waiting.len() >= QUEUE_MAX || bytes > QUEUE_BYTES_MAX {
            return false;
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(message);
        self.wake();
        true
    }

    pub(super) fn wake(&self) {
        if let Some(live) = &self.live {
            live.wake.notify_one();
        }
    }

    /// The next packet for the module, and the input it is for.
    pub(super) fn next(&mut self) -> Option<(Publish, Option<String>)> {
        if let Some((topic, payload, qos)) = self.replies.pop_front() {
            self.replies_bytes -= topic.len() + payload.len();
            // Acknowledgements of these say nothing that anybody waits for; the identifier only has to be free.
            let id = (qos == Qos::AtLeastOnce).then(|| self.free_id());
            return Some((publish(topic, payload, id, false), None));
        }
        let qos = self.subscribed(Family::Inputs)?;
        if self.inflight.len() >= INFLIGHT_MAX {
            return None;
        }
        let message = self.waiting.pop_front()?;
        self.waiting_bytes -= message.bytes();
        let input = message.input.clone();
        let (topic, payload) = (message.topic.clone(), message.payload.clone());
        if qos == Qos::AtMostOnce {
            return Some((publish(topic, payload, None, false), Some(input)));
        }
        let again = message.sent_as;
        let id = again
            .filter(|id| self.inflight.iter().all(|(taken, _)| taken != id))
            .unwrap_or_else(|| self.free_id());
        self.inflight.push_back((id, message));
        Some((
            publish(topic, payload, Some(id), again == Some(id)),
            Some(input),
        ))
    }

    /// Takes an acknowledgement; gives the input whose message it was for.
    pub(super) fn acknowledge(&mut self, id: u16) -> Option<String> {
        let at = self.inflight.iter().position(|(taken, _)| *taken == id)?;
        self.inflight.remove(at).map(|(_, message)| message.input)
    }

    /// Never 0 and never one that is on its way; [`INFLIGHT_MAX`] leaves plenty.
    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1).max(1);
            let waits = |message: &Waiting| message.sent_as == Some(self.last_id);
            let taken = self.inflight.iter().any(|(id, _)| *id == self.last_id)
                || self.waiting.iter().take(INFLIGHT_MAX).any(waits);
            if !taken {
                return self.last_id;
            }
        }
    }
}

fn publish(topic: String, payload: Bytes, id: Option<u16>, duplicate: bool) -> Publish {
    Publish {
        duplicate,
        qos: if id.is_some() {
            Qos::AtLeastOnce
        } else {
            Qos::AtMostOnce
        },
        retain: false,
        topic,
        id,
        payload,
    }
}
