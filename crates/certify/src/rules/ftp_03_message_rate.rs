//! FTP-03: the module sends at most 600 messages a minute with its defaults.

use crate::places::{each_trial, without_messages};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "FTP-03",
    title: "The module sends at most 600 messages a minute with its defaults",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Hubs are paid by the message, and a free one takes 8,000 a day; a module that floods by default is an \
          expensive surprise.",
    fix: "Send less often by default, gather several readings in one message, or send only what changed.",
    check,
};

/// Messages a minute that do not warn.
const MESSAGES_PER_MINUTE_MAX: u64 = 600;
/// So few say nothing about a rate.
const MESSAGES_JUDGED_MIN: u64 = 20;

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if let Some(outcome) = without_messages(expected, observed, place) {
            return outcome;
        }
        let messages = &observed.messages;
        let rate = messages.count.saturating_mul(60_000) / messages.watched_ms.max(1);
        let seen = format!("{rate} messages a minute");
        if rate > MESSAGES_PER_MINUTE_MAX && messages.count > MESSAGES_JUDGED_MIN {
            Outcome::failed(place, seen)
        } else {
            Outcome::passed(place, seen)
        }
    })
}
