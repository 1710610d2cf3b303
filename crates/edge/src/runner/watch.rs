//! What a container takes, sends and tries to reach, looked at again and again while it runs.

use std::time::{Duration, Instant};

use domain::behaviour::{Footprint, Moment};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Engine;
use crate::log::EventLog;

/// Samples at the end that count as steady.
const STEADY_SAMPLES: usize = 5;
/// Samples of one run.
const SAMPLES_MAX: usize = 3_600;

/// A look at a container every so often, on a task of its own.
pub(super) struct Meter {
    /// Dropped with the run, also with one that is given up.
    stop: DropGuard,
    task: JoinHandle<Measured>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Measured {
    memory_bytes: Vec<u64>,
    /// Time and processor time of the first and the last sample.
    first: Option<(Instant, u64)>,
    last: Option<(Instant, u64)>,
    /// Messages up to the last sample.
    messages: u64,
    /// All samples.
    pub(super) moments: Vec<Moment>,
    /// Packets to addresses outside its network; `None` when its counters cannot be read from here.
    pub(super) packets: Option<u64>,
}

impl Meter {
    pub(super) fn start(engine: &Engine, id: &str, every: Duration, sent: Sent) -> Self {
        let stop = CancellationToken::new();
        let looking = look(engine.clone(), id.to_owned(), every, sent, stop.clone());
        Self {
            stop: stop.drop_guard(),
            task: tokio::spawn(looking),
        }
    }

    /// Looks once more, and gives what was seen.
    pub(super) async fn end(self) -> Measured {
        drop(self.stop);
        self.task.await.unwrap_or_default()
    }
}

/// Whose messages are counted, and where.
pub(super) struct Sent {
    pub(super) log: EventLog,
    pub(super) module: String,
}

async fn look(
    engine: Engine,
    id: String,
    every: Duration,
    sent: Sent,
    stop: CancellationToken,
) -> Measured {
    let began = Instant::now();
    let mut seen = Measured::default();
    let process = engine.container_process(&id).await.ok().flatten();
    loop {
        if let Some(found) = process.and_then(packets) {
            seen.packets = Some(found.max(seen.packets.unwrap_or_default()));
        }
        if let Ok(Some(sample)) = engine.sample_container(&id).await
            && seen.memory_bytes.len() < SAMPLES_MAX
        {
            let messages = sent.log.seen("message", &sent.module);
            seen.add(
                began,
                (Instant::now(), sample.cpu_ns),
                sample.memory_bytes,
                messages,
            );
        }
        if stop.is_cancelled() {
            return seen;
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Measured {
    fn add(&mut self, began: Instant, now: (Instant, u64), memory_bytes: u64, messages: u64) {
        let (before, spent) = self.last.unwrap_or((began, 0));
        self.moments.push(Moment {
            at_ms: u64::try_from((now.0 - began).as_millis()).unwrap_or(u64::MAX),
            memory_bytes,
            cpu_permille: permille(before, spent, now),
            messages: messages.saturating_sub(self.messages),
        });
        self.messages = messages;
        self.memory_bytes.push(memory_bytes);
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// As the rules judge it; `None` when nothing was measured.
    pub(super) fn footprint(&self, memory_bytes_max: u64) -> Option<Footprint> {
        let peak = *self.memory_bytes.iter().max()?;
        let tail = &self.memory_bytes[self.memory_bytes.len().saturating_sub(STEADY_SAMPLES)..];
        let mut steady = tail.to_vec();
        steady.sort_unstable();
        let spent = self
            .first
            .zip(self.last)
            .map(|((from, before), last)| permille(from, before, last));
        Some(Footprint {
            memory_peak_bytes: peak,
            memory_steady_bytes: steady.get(steady.len() / 2).copied().unwrap_or(peak),
            memory_bytes_max,
            cpu_permille: spent.unwrap_or_default(),
            samples: u64::try_from(self.memory_bytes.len()).unwrap_or(u64::MAX),
        })
    }
}

/// Processor time since a moment as a share of one core.
fn permille(from: Instant, before: u64, (to, after): (Instant, u64)) -> u64 {
    let micros = u64::try_from((to - from).as_micros()).unwrap_or(u64::MAX);
    // Nanoseconds over microseconds are thousandths.
    after.saturating_sub(before) / micros.max(1)
}

/// Packets that found no route in the network of a process: an internal network has none to the outside.
fn packets(process: u64) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/net/snmp")).ok()?;
    routeless(&text)
}

/// `OutNoRoutes` of the two lines `Ip:`, one with names and one with numbers.
fn routeless(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Ip:"));
    let names = lines.next()?.split_whitespace();
    let mut pairs = names.zip(lines.next()?.split_whitespace());
    pairs
        .find(|(name, _)| *name == "OutNoRoutes")?
        .1
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_without_a_route_are_counted() {
        let snmp = "Ip: Forwarding OutDiscards OutNoRoutes\nIp: 1 0 7\nIcmp: InMsgs\nIcmp: 0\n";
        assert_eq!(routeless(snmp), Some(7));
        assert_eq!(routeless("Ip: Forwarding\nIp: 1\n"), None);
        assert_eq!(routeless(""), None);
    }

    #[test]
    fn samples_become_a_footprint() {
        let began = Instant::now();
        let seen = Measured {
            memory_bytes: vec![1, 90, 50, 51, 52, 53, 49],
            first: Some((began, 1_000_000)),
            last: Some((began + Duration::from_secs(2), 201_000_000)),
            ..Measured::default()
        };
        let footprint = seen.footprint(100).expect("samples");
        assert_eq!(footprint.memory_peak_bytes, 90);
        assert_eq!(footprint.memory_steady_bytes, 51);
        assert_eq!(footprint.cpu_permille, 100);
        assert_eq!(Measured::default().footprint(1), None);
    }

    #[test]
    fn samples_become_moments_since_the_one_before() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut seen = Measured::default();
        seen.add(began, (after(1), 500_000_000), 7, 2);
        seen.add(began, (after(3), 700_000_000), 8, 5);
        let told: Vec<(u64, u64, u64)> = seen
            .moments
            .iter()
            .map(|moment| (moment.at_ms, moment.cpu_permille, moment.messages))
            .collect();
        assert_eq!(told, [(1_000, 500, 2), (3_000, 100, 3)]);
    }
}
