//! The figures of a run, in the order in which a module lives: started, connected, sent, took, stopped.

use domain::behaviour::{Observed, Reached};

use crate::format::{bytes, count, duration, memory};
use crate::messages::{t, t1, t2, tn};
use crate::pieces::Fact;

/// Names that are listed of those that a module asked for.
const NAMES_SHOWN_MAX: usize = 5;
const MINUTE_MS: u64 = 60_000;

/// One fact a line.
pub(super) fn of(observed: &Observed) -> Vec<Fact> {
    let fact = |label: &'static str, value: String| Fact {
        label: label.to_owned(),
        value,
    };
    vec![
        fact(t("run.started"), started(observed)),
        fact(t("run.authenticated"), authenticated(observed)),
        fact(
            t("run.first_message"),
            match observed.first.message_ms {
                Some(after) => t1("run.after", duration(after)),
                None => t("run.no_message").to_owned(),
            },
        ),
        fact(t("run.rate"), rate(observed)),
        fact(t("run.memory"), took(observed, memory_of)),
        fact(t("run.cpu"), took(observed, cpu_of)),
        fact(t("run.image"), image(observed)),
        fact(t("run.stop"), stop(observed)),
        fact(t("run.network"), network(observed)),
    ]
}

fn started(observed: &Observed) -> String {
    match (&observed.first.not_started, &observed.first.exit) {
        (Some(why), _) => t1("run.started_not", why),
        (None, Some(exit)) => t2("run.ended", exit.code, duration(exit.after_ms)),
        (None, None) => t("run.yes").to_owned(),
    }
}

fn authenticated(observed: &Observed) -> String {
    match observed.first.connected_ms {
        Some(after) => t1("run.after", duration(after)),
        None if observed.first.reached >= Reached::Connected => t("run.yes").to_owned(),
        None => t1("run.not", observed.first.reached.advice()),
    }
}

fn rate(observed: &Observed) -> String {
    let messages = &observed.messages;
    if messages.count == 0 {
        return t("run.no_message").to_owned();
    }
    let minute = messages.count.saturating_mul(MINUTE_MS) / messages.watched_ms.max(1);
    let total = tn("run.messages", messages.count);
    t2("run.per_minute", count(minute), total)
}

/// What an emulator took is not the module's, and is not shown as such.
fn took(observed: &Observed, told: fn(&domain::behaviour::Footprint) -> String) -> String {
    match &observed.footprint {
        _ if observed.emulated => t("run.not_judged").to_owned(),
        Some(footprint) => told(footprint),
        None => t("run.not_measured").to_owned(),
    }
}

fn memory_of(footprint: &domain::behaviour::Footprint) -> String {
    t2(
        "run.memory_of",
        memory(footprint.memory_peak_bytes),
        memory(footprint.memory_steady_bytes),
    )
}

fn cpu_of(footprint: &domain::behaviour::Footprint) -> String {
    t1("run.cpu_of", percent(footprint.cpu_permille))
}

/// Thousandths as percent, one digit behind the point.
pub(super) fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

fn image(observed: &Observed) -> String {
    match &observed.image {
        Some(size) => match size.compressed_bytes {
            Some(pulled) => t2("run.image_of", bytes(pulled), bytes(size.unpacked_bytes)),
            None => t1("run.image_unpacked", bytes(size.unpacked_bytes)),
        },
        None => t("run.not_measured").to_owned(),
    }
}

fn stop(observed: &Observed) -> String {
    match &observed.stop {
        Some(stop) if stop.killed => t1("run.killed", duration(stop.took_ms)),
        Some(stop) => t1("run.after", duration(stop.took_ms)),
        None => t("run.not_reached").to_owned(),
    }
}

fn network(observed: &Observed) -> String {
    let Some(network) = &observed.network else {
        return t("run.not_seen").to_owned();
    };
    let names = &network.names;
    if names.is_empty() && network.packets == 0 {
        return t("run.no_peers").to_owned();
    }
    let mut listed: Vec<&str> = names
        .iter()
        .take(NAMES_SHOWN_MAX)
        .map(String::as_str)
        .collect();
    if names.len() > NAMES_SHOWN_MAX {
        listed.push("…");
    }
    let packets = tn("run.packets", network.packets);
    match listed.as_slice() {
        [] => packets,
        some => t2("run.names", some.join(", "), packets),
    }
}

#[cfg(test)]
mod tests {
    use domain::behaviour::{Footprint, Messages, Network};

    use super::*;

    fn value<'a>(facts: &'a [Fact], label: &'static str) -> &'a str {
        let found = facts.iter().find(|fact| fact.label == t(label));
        found.map(|fact| fact.value.as_str()).unwrap_or_default()
    }

    #[test]
    fn what_an_emulator_took_is_not_shown_as_the_modules() {
        let mut observed = Observed {
            footprint: Some(Footprint {
                memory_peak_bytes: 32 << 20,
                cpu_permille: 123,
                ..Footprint::default()
            }),
            messages: Messages {
                count: 30,
                watched_ms: 30_000,
                ..Messages::default()
            },
            network: Some(Network {
                names: (0..7).map(|at| format!("n{at}.example")).collect(),
                packets: 2,
            }),
            ..Observed::default()
        };
        let facts = of(&observed);
        assert!(value(&facts, "run.memory").contains("32 MiB"));
        assert!(value(&facts, "run.cpu").contains("12.3 %"));
        assert!(value(&facts, "run.rate").starts_with("60 "));
        let peers = value(&facts, "run.network");
        assert!(peers.contains("n4.example, …") && !peers.contains("n5"));
        observed.emulated = true;
        let facts = of(&observed);
        assert_eq!(value(&facts, "run.memory"), t("run.not_judged"));
        assert_eq!(value(&facts, "run.cpu"), t("run.not_judged"));
    }
}
