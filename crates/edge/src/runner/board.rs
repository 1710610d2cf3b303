//! What is known of modules that are kept running: how each one is, what it takes, and what it printed lately. Whoever
//! runs a module writes it down, whoever watches reads it; clones share it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;

use super::Sample;

/// Lines that are kept of all modules together.
const LINES_MAX: usize = 2_000;
/// Characters of a line.
const LINE_CHARS_MAX: usize = 4_096;

/// How a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// It is about to start.
    Starting,
    /// It runs.
    Running,
    /// It ended, and starts again after a pause.
    BackOff {
        /// Exit code of its last life.
        code: i64,
        /// How long the pause is, in seconds.
        pause_seconds: u64,
    },
    /// It ended and stays so.
    Ended {
        /// Exit code.
        code: i64,
    },
    /// It ended too often.
    Failed {
        /// Exit code of its last life.
        code: i64,
    },
    /// Somebody else starts it.
    ByHand,
}

/// One module, as of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Module id.
    pub name: String,
    /// How it is.
    #[serde(flatten)]
    pub phase: Phase,
    /// How often it was started again.
    pub restarts: u32,
    /// Seconds until its next start, in a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_in_seconds: Option<u64>,
    /// Memory now, in bytes; unknown until it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Most memory seen, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// Processor time as a share of one core, in thousandths, since the sample before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_permille: Option<u64>,
}

/// One line that a module printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Number in the run, from 1; a gap means lines that are no longer kept.
    pub number: u64,
    /// Module id.
    pub module: String,
    /// The line, without its end.
    pub text: String,
}

/// The board.
#[derive(Debug, Clone, Default)]
pub struct Board {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    seats: BTreeMap<String, Seat>,
    lines: VecDeque<Line>,
    number: u64,
}

#[derive(Debug)]
struct Seat {
    phase: Phase,
    since: Instant,
    restarts: u32,
    memory: Option<(u64, u64)>,
    last: Option<(Instant, u64)>,
    cpu_permille: Option<u64>,
}

impl Board {
    /// Writes down how a module is.
    pub fn phase(&self, module: &str, phase: Phase) {
        let mut inner = self.lock();
        let seat = inner
            .seats
            .entry(module.to_owned())
            .or_insert_with(|| Seat {
                phase,
                since: Instant::now(),
                restarts: 0,
                memory: None,
                last: None,
                cpu_permille: None,
            });
        if matches!(seat.phase, Phase::BackOff { .. }) && phase == Phase::Starting {
            seat.restarts += 1;
        }
        if phase != Phase::Running {
            // What it took is over; the peak stays.
            seat.last = None;
            seat.cpu_permille = None;
            seat.memory = seat.memory.map(|(_, peak)| (0, peak));
        }
        seat.phase = phase;
        seat.since = Instant::now();
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Waits until no module runs and none will start again; gives the exit code of the first that ended badly, or 0.
    pub async fn over(&self) -> i64 {
        loop {
            let changed = self.changed.notified();
            if let Some(code) = self.all_ended() {
                return code;
            }
            changed.await;
        }
    }

    fn all_ended(&self) -> Option<i64> {
        let inner = self.lock();
        let codes = inner.seats.values().map(|seat| match seat.phase {
            Phase::Ended { code } | Phase::Failed { code } => Some(code),
            _ => None,
        });
        let codes: Option<Vec<i64>> = codes.collect();
        let codes = codes.filter(|codes| !codes.is_empty())?;
        Some(codes.into_iter().find(|code| *code != 0).unwrap_or(0))
    }

    /// Writes down what a module takes.
    pub fn sample(&self, module: &str, sample: Sample) {
        let now = Instant::now();
        if let Some(seat) = self.lock().seats.get_mut(module) {
            let peak = seat.memory.map_or(0, |(_, peak)| peak);
            seat.memory = Some((sample.memory_bytes, peak.max(sample.memory_bytes)));
            seat.cpu_permille = seat.last.map(|(then, spent)| {
                let micros = u64::try_from((now - then).as_micros()).unwrap_or(u64::MAX);
                // Nanoseconds over microseconds are thousandths.
                sample.cpu_ns.saturating_sub(spent) / micros.max(1)
            });
            seat.last = Some((now, sample.cpu_ns));
        }
    }

    /// Writes down a line that a module printed.
    pub fn print(&self, module: &str, text: &str) {
        let mut inner = self.lock();
        inner.number += 1;
        let line = Line {
            number: inner.number,
            module: module.to_owned(),
            text: text.chars().take(LINE_CHARS_MAX).collect(),
        };
        inner.lines.push_back(line);
        if inner.lines.len() > LINES_MAX {
            inner.lines.pop_front();
        }
    }

    /// Every module, by name.
    pub fn views(&self) -> Vec<View> {
        let inner = self.lock();
        let seats = inner.seats.iter();
        seats.map(|(name, seat)| seat.view(name)).collect()
    }

    /// How a module is; `None` for one that nobody wrote down.
    pub fn phase_of(&self, module: &str) -> Option<Phase> {
        self.lock().seats.get(module).map(|seat| seat.phase)
    }

    /// The lines after a number, the oldest first, at most so many.
    pub fn lines_after(&self, number: u64, most: usize) -> Vec<Line> {
        let inner = self.lock();
        let at = inner.lines.partition_point(|line| line.number <= number);
        inner.lines.iter().skip(at).take(most).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn view(&self, name: &str) -> View {
        let again_in_seconds = match self.phase {
            Phase::BackOff { pause_seconds, .. } => {
                let pause = Duration::from_secs(pause_seconds);
                Some(pause.saturating_sub(self.since.elapsed()).as_secs())
            }
            _ => None,
        };
        View {
            name: name.to_owned(),
            phase: self.phase,
            restarts: self.restarts,
            again_in_seconds,
            memory_bytes: self.memory.map(|(now, _)| now),
            memory_peak_bytes: self.memory.map(|(_, peak)| peak),
            cpu_permille: self.cpu_permille,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_counted_and_what_it_took_ends_with_it() {
        let board = Board::default();
        board.phase("m", Phase::Starting);
        board.phase("m", Phase::Running);
        for (memory_bytes, cpu_ns) in [(70, 0), (50, 1_000)] {
            board.sample(
                "m",
                Sample {
                    memory_bytes,
                    cpu_ns,
                },
            );
        }
        let view = board.views().remove(0);
        assert_eq!(
            (view.memory_bytes, view.memory_peak_bytes),
            (Some(50), Some(70))
        );
        assert!(view.cpu_permille.is_some());
        let pause = Phase::BackOff {
            code: 3,
            pause_seconds: 10,
        };
        board.phase("m", pause);
        let view = board.views().remove(0);
        assert!(view.again_in_seconds.is_some_and(|left| left <= 10));
        assert_eq!(
            (view.memory_bytes, view.memory_peak_bytes),
            (Some(0), Some(70))
        );
        assert_eq!(view.cpu_permille, None);
        board.phase("m", Phase::Starting);
        assert_eq!(board.views()[0].restarts, 1);
        let told = serde_json::to_value(&board.views()[0]).expect("JSON");
        assert_eq!(told["phase"], "starting");
        assert_eq!(board.phase_of("other"), None);
    }

    #[tokio::test]
    async fn it_is_over_when_nothing_runs_again() {
        let board = Board::default();
        board.phase("a", Phase::Running);
        board.phase("b", Phase::Ended { code: 0 });
        let waiting = tokio::spawn({
            let board = board.clone();
            async move { board.over().await }
        });
        board.phase(
            "a",
            Phase::BackOff {
                code: 1,
                pause_seconds: 1,
            },
        );
        assert_eq!(board.all_ended(), None);
        board.phase("a", Phase::Failed { code: 5 });
        assert_eq!(waiting.await.expect("it ends"), 5);
        assert_eq!(Board::default().all_ended(), None, "nothing began");
    }

    #[test]
    fn lines_are_numbered_and_bounded() {
        let board = Board::default();
        for number in 0..=LINES_MAX {
            board.print("m", &format!("line {number}"));
        }
        board.print("m", &"x".repeat(LINE_CHARS_MAX + 1));
        let all = board.lines_after(0, usize::MAX);
        assert_eq!(all.len(), LINES_MAX);
        assert_eq!(all[0].number, 3);
        let last = all.last().expect("some");
        assert_eq!(last.text.len(), LINE_CHARS_MAX);
        assert_eq!(board.lines_after(last.number, 5), []);
        assert_eq!(
            board.lines_after(last.number - 2, 1)[0].number,
            last.number - 1
        );
    }
}
