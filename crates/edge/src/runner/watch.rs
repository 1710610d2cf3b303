//! What a container takes, and what it tries to reach, looked at again and again while it runs.

use std::time::{Duration, Instant};

use domain::behaviour::Footprint;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Engine;

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
    /// Packets to addresses outside its network; `None` when its counters cannot be read from here.
    pub(super) packets: Option<u64>,
}

impl Meter {
    pub(super) fn start(engine: &Engine, id: &str, every: Duration) -> Self {
        let stop = CancellationToken::new();
        let looking = look(engine.clone(), id.to_owned(), every, stop.clone());
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

async fn look(engine: Engine, id: String, every: Duration, stop: CancellationToken) -> Measured {
    let mut seen = Measured::default();
    let process = engine.container_process(&id).await.ok().flatten();
    loop {
        if let Some(found) = process.and_then(packets) {
            seen.packets = Some(found.max(seen.packets.unwrap_or_default()));
        }
        if let Ok(Some(sample)) = engine.sample_container(&id).await
            && seen.memory_bytes.len() < SAMPLES_MAX
        {
            let now = (Instant::now(), sample.cpu_ns);
            seen.memory_bytes.push(sample.memory_bytes);
            seen.first.get_or_insert(now);
            seen.last = Some(now);
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
    /// As the rules judge it; `None` when nothing was measured.
    pub(super) fn footprint(&self, memory_bytes_max: u64) -> Option<Footprint> {
        let peak = *self.memory_bytes.iter().max()?;
        let tail = &self.memory_bytes[self.memory_bytes.len().saturating_sub(STEADY_SAMPLES)..];
        let mut steady = tail.to_vec();
        steady.sort_unstable();
        let spent = self
            .first
            .zip(self.last)
            .map(|((from, before), (to, after))| {
                let micros = u64::try_from((to - from).as_micros()).unwrap_or(u64::MAX);
                // Nanoseconds over microseconds are thousandths.
                after.saturating_sub(before) / micros.max(1)
            });
        Some(Footprint {
            memory_peak_bytes: peak,
            memory_steady_bytes: steady.get(steady.len() / 2).copied().unwrap_or(peak),
            memory_bytes_max,
            cpu_permille: spent.unwrap_or_default(),
            samples: u64::try_from(self.memory_bytes.len()).unwrap_or(u64::MAX),
        })
    }
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
            packets: None,
        };
        let footprint = seen.footprint(100).expect("samples");
        assert_eq!(footprint.memory_peak_bytes, 90);
        assert_eq!(footprint.memory_steady_bytes, 51);
        assert_eq!(footprint.cpu_permille, 100);
        assert_eq!(Measured::default().footprint(1), None);
    }
}
