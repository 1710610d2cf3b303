//! RUN-07: messages are JSON, or say what they are.

use crate::places::{each_trial, listed, without_messages};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-07",
    title: "Messages are JSON, or say what they are",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Routes look into bodies, and whoever receives a message has to know what it is.",
    fix: "Send JSON, or set the content type and content encoding of the message.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if let Some(outcome) = without_messages(expected, observed, place) {
            return outcome;
        }
        let messages = &observed.messages;
        if messages.unreadable.is_empty() {
            Outcome::passed(place, format!("{} messages", messages.count))
        } else {
            let shown = messages.unreadable.iter().take(3);
            Outcome::failed(
                place,
                format!("neither JSON nor of a stated type: {}", listed(shown)),
            )
        }
    })
}
