//! Messages on their way to the hub: those that wait, and those that are sent and not yet acknowledged.
//!
//! Bounded: when it is full, the oldest waiting message goes and is counted. After a reconnection everything that was
//! not acknowledged is sent again, in its order, before anything new.

use std::collections::VecDeque;

use super::packet;
use super::topic;

/// Messages without an acknowledgement; the hub carries 16 at once.
const INFLIGHT_MAX: usize = 16;

/// The queue.
pub struct Outbox {
    device: String,
    module: String,
    messages_max: usize,
    waiting: VecDeque<Message>,
    inflight: VecDeque<(u16, Message)>,
    /// How many of `inflight` this connection has sent.
    sent: usize,
    last_id: u16,
    dropped: u64,
}

struct Message {
    output: String,
    body: String,
    /// It was sent before, on a connection that ended.
    again: bool,
}

impl Outbox {
    pub fn new(device: &str, module: &str, messages_max: usize) -> Outbox {
        Outbox {
            device: device.to_owned(),
            module: module.to_owned(),
            messages_max: messages_max.max(1),
            waiting: VecDeque::new(),
            inflight: VecDeque::new(),
            sent: 0,
            last_id: 0,
            dropped: 0,
        }
    }

    pub fn push(&mut self, output: &str, body: &str) {
        if self.waiting.len() >= self.messages_max {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(Message {
            output: output.to_owned(),
            body: body.to_owned(),
            again: false,
        });
    }

    /// The next packet for the connection; None when it carries all it may.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        if self.sent == self.inflight.len() {
            if self.inflight.len() >= INFLIGHT_MAX {
                return None;
            }
            let message = self.waiting.pop_front()?;
            let id = self.fresh_id();
            self.inflight.push_back((id, message));
        }
        let (id, message) = &mut self.inflight[self.sent];
        let topic = topic::output(&self.device, &self.module, &message.output);
        let bytes = packet::publish(&topic, message.body.as_bytes(), Some(*id), message.again);
        message.again = true;
        self.sent += 1;
        Some(bytes)
    }

    /// The hub has a message.
    pub fn acknowledged(&mut self, id: u16) {
        if let Some(at) = self.inflight.iter().position(|(known, _)| *known == id) {
            self.inflight.remove(at);
            self.sent -= usize::from(at < self.sent);
        }
    }

    /// A new connection: what the last one left is sent again.
    pub fn reconnected(&mut self) {
        self.sent = 0;
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.inflight.is_empty()
    }

    /// Messages that were dropped since it was last asked.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// A number that no message under way has; 0 is none, and 1 belongs to subscriptions.
    fn fresh_id(&mut self) -> u16 {
        loop {
            self.last_id = if self.last_id == u16::MAX {
                2
            } else {
                self.last_id.max(1) + 1
            };
            if !self.inflight.iter().any(|(id, _)| *id == self.last_id) {
                return self.last_id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::packet::Packet;

    fn bodies(outbox: &mut Outbox) -> Vec<(String, u16, bool)> {
        let mut found = Vec::new();
        while let Some(mut bytes) = outbox.next() {
            let again = bytes[0] & 8 == 8;
            let Some(Packet::Publish(publish)) = packet::take(&mut bytes).unwrap() else {
                panic!("no message")
            };
            found.push((
                String::from_utf8(publish.payload).unwrap(),
                publish.id.unwrap(),
                again,
            ));
        }
        found
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_first() {
        let mut outbox = Outbox::new("d", "m", 8);
        outbox.push("o", "1");
        outbox.push("o", "2");
        let first = bodies(&mut outbox);
        assert_eq!(
            first,
            [("1".to_owned(), 2, false), ("2".to_owned(), 3, false)]
        );
        outbox.acknowledged(2);
        outbox.acknowledged(99);
        outbox.push("o", "3");
        outbox.reconnected();
        assert_eq!(
            bodies(&mut outbox),
            [("2".to_owned(), 3, true), ("3".to_owned(), 4, false)]
        );
        outbox.acknowledged(4);
        outbox.acknowledged(3);
        assert!(outbox.is_empty());
    }

    #[test]
    fn it_is_bounded_on_the_way_and_before_it() {
        let mut outbox = Outbox::new("d", "m", 8);
        for number in 0..INFLIGHT_MAX {
            outbox.push("o", &number.to_string());
            bodies(&mut outbox);
        }
        for number in 0..10 {
            outbox.push("o", &format!("later {number}"));
        }
        assert_eq!(bodies(&mut outbox), []);
        assert_eq!((outbox.take_dropped(), outbox.take_dropped()), (2, 0));
        outbox.acknowledged(2);
        assert_eq!(bodies(&mut outbox)[0].0, "later 2");
    }

    #[test]
    fn numbers_go_round_and_stay_apart() {
        let mut outbox = Outbox::new("d", "m", 8);
        outbox.push("o", "slow");
        assert_eq!(bodies(&mut outbox)[0].1, 2);
        outbox.last_id = u16::MAX - 1;
        for wanted in [u16::MAX, 3, 4] {
            outbox.push("o", "x");
            assert_eq!(bodies(&mut outbox)[0].1, wanted);
        }
    }
}
