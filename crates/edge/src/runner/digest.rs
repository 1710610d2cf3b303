//! What the event log of a run says about a module, in the words of the rules. Also for a module that runs as a plain
//! process: then this is all there is.

use std::sync::Arc;

use domain::behaviour::{Life, Messages, Observed, Reached};

use crate::log::{Entry, Event, EventLog};
use crate::stage::Stage;

/// Examples of messages that cannot be read.
const EXAMPLES_MAX: usize = 3;
/// Characters of an example.
const EXAMPLE_CHARS_MAX: usize = 60;
/// Different outputs that are told apart.
const OUTPUTS_MAX: usize = 100;

/// Fills in what the whole log says: workload calls, refusals, messages, the twin, and how far the module ever came.
pub fn digest(log: &EventLog, module: &str, observed: &mut Observed) {
    for entry in entries(log, module, 0) {
        match &entry.event {
            Event::Workload {
                operation, status, ..
            } => {
                let workload = &mut observed.workload;
                match (operation.as_str(), status) {
                    ("trust-bundle", 200) => workload.trust_bundle = true,
                    ("sign", 200) => workload.signatures += 1,
                    _ => workload.others += 1,
                }
            }
            Event::TlsRefused { reason, .. } => observed.tls_refused = Some(reason.clone()),
            Event::ConnectRefused { reason, .. } => observed.connect_refused = Some(reason.clone()),
            Event::Connected { client_type, .. } => observed.client_type.clone_from(client_type),
            Event::TwinRead { subscribed: true } => observed.twin_read = true,
            Event::Message { output, .. } => {
                let name = output.clone().unwrap_or_default();
                let messages = &mut observed.messages;
                let unreadable = unreadable(&entry.event);
                if let Some(example) =
                    unreadable.filter(|_| messages.unreadable.len() < EXAMPLES_MAX)
                {
                    messages.unreadable.push(example);
                }
                if !messages.outputs.contains(&name) && messages.outputs.len() < OUTPUTS_MAX {
                    messages.outputs.push(name);
                }
            }
            _ => {}
        }
    }
    if observed.messages.count == 0 {
        count(log, module, observed);
    }
    reached(log, module, 0, 0, &mut observed.first);
}

/// Counts messages up to now, and the time since the module was first connected.
pub(super) fn count(log: &EventLog, module: &str, observed: &mut Observed) {
    let entries = entries(log, module, 0);
    let connected = entries
        .iter()
        .find(|entry| matches!(entry.event, Event::Connected { .. }));
    let now = u64::try_from(log.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Messages {
        count, watched_ms, ..
    } = &mut observed.messages;
    *count = log.seen("message", module);
    *watched_ms = connected.map_or(0, |entry| now.saturating_sub(entry.at_us / 1_000));
}

/// How far a module came since an event, on the way measured from a moment of the log.
pub(super) fn reached(log: &EventLog, module: &str, from: u64, began_us: u64, life: &mut Life) {
    let entries = entries(log, module, from);
    life.reached = match Stage::of(entries.iter().map(AsRef::as_ref), module) {
        Stage::NoSocketCall => Reached::Nothing,
        Stage::NoSignature => Reached::Workload,
        Stage::NoConnection => Reached::Signature,
        Stage::TlsRefused => Reached::TlsRefused,
        Stage::AmqpOnly => Reached::Amqp,
        Stage::ConnectRefused => Reached::ConnectRefused,
        Stage::Silent => Reached::Connected,
        Stage::Sending => Reached::Sending,
    };
    let after = |wanted: fn(&Event) -> bool| {
        let found = entries.iter().find(|entry| wanted(&entry.event));
        found.map(|entry| entry.at_us.saturating_sub(began_us) / 1_000)
    };
    life.connected_ms = after(|event| matches!(event, Event::Connected { .. }));
    life.message_ms = after(|event| matches!(event, Event::Message { .. }));
}

/// Milliseconds from a moment of the log to the beginning and the end of the outage that came after it.
pub(super) fn outage(log: &EventLog, began_us: u64) -> Option<(u64, u64)> {
    let entries = log.entries(0);
    let mut later = entries.iter().filter(|entry| entry.at_us >= began_us);
    let mut after = |wanted: Event| {
        let found = later.find(|entry| entry.event == wanted);
        found.map(|entry| (entry.at_us - began_us) / 1_000)
    };
    Some((after(Event::HubStopped)?, after(Event::HubStarted)?))
}

/// Events of a module, and of nobody: what happens before a connection has a name.
fn entries(log: &EventLog, module: &str, from: u64) -> Vec<Arc<Entry>> {
    let mut entries = log.entries(from);
    entries.retain(|entry| entry.module.as_deref().is_none_or(|whose| whose == module));
    entries
}

/// The beginning of a message that is no JSON although it says so, or says nothing.
fn unreadable(event: &Event) -> Option<String> {
    let Event::Message {
        output,
        body,
        system,
        ..
    } = event
    else {
        return None;
    };
    let stated = system.get("contentType").map(String::as_str);
    let says_json = stated.is_none_or(|stated| stated.to_ascii_lowercase().contains("json"));
    if body.json || !says_json {
        return None;
    }
    let text = body.text.as_deref().unwrap_or("bytes");
    let text: String = text.chars().take(EXAMPLE_CHARS_MAX).collect();
    Some(format!(
        "{} {text:?}",
        output.as_deref().unwrap_or("(no output)")
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;
    use crate::log::Reading;

    fn message(output: &str, body: &[u8], content_type: Option<&str>) -> Event {
        let system = content_type.map(|stated| ("contentType".to_owned(), stated.to_owned()));
        Event::Message {
            output: Some(output.into()),
            body: Reading::of(body),
            properties: BTreeMap::new(),
            system: system.into_iter().collect(),
        }
    }

    #[test]
    fn a_log_is_read_for_one_module() {
        let log = EventLog::new(Instant::now());
        for (operation, status) in [("trust-bundle", 200), ("sign", 200), ("sign", 404)] {
            let event = Event::Workload {
                operation: operation.into(),
                status,
                api_version: None,
            };
            log.record(Some("m"), event);
        }
        log.record(Some("m"), Event::TwinRead { subscribed: true });
        log.record(Some("m"), message("a", b"{}", None));
        log.record(Some("m"), message("b", b"21", Some("text/plain")));
        log.record(Some("m"), message("b", b"{21", Some("application/json")));
        log.record(Some("m"), message("b", b"\xff\xfe", None));
        log.record(Some("m"), message("b", b"plain", Some("text/plain")));
        log.record(Some("other"), message("c", b"x", None));
        let mut seen = Observed::default();
        digest(&log, "m", &mut seen);
        assert!(seen.workload.trust_bundle && seen.twin_read);
        assert_eq!((seen.workload.signatures, seen.workload.others), (1, 1));
        assert_eq!(seen.messages.count, 5);
        assert_eq!(seen.first.reached, Reached::Sending);
        assert_eq!(seen.messages.outputs, ["a", "b"]);
        assert_eq!(seen.messages.unreadable, ["b \"{21\"", "b \"bytes\""]);
        let mut life = Life::default();
        reached(&log, "m", 0, 0, &mut life);
        assert_eq!(life.reached, Reached::Sending);
        assert!(life.message_ms.is_some() && life.connected_ms.is_none());
        assert_eq!(outage(&log, 0), None);
        log.record(None, Event::HubStopped);
        log.record(None, Event::HubStarted);
        assert!(outage(&log, 0).is_some_and(|(from, to)| from <= to));
        assert_eq!(outage(&log, u64::MAX), None);
    }
}
