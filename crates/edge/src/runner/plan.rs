//! What is to be run, and how long each step may take.

use std::time::Duration;

use domain::behaviour::Expected;
use domain::create_options::CreateOptions;
use serde_json::{Map, Value};

/// One module to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Module id.
    pub module: String,
    /// Name or id of the image, as the engine knows it.
    pub image: String,
    /// Bytes of the image as pulled, if that is known.
    pub compressed_bytes: Option<u64>,
    /// Routes by name.
    pub routes: Vec<(String, String)>,
    /// Desired properties it begins with.
    pub desired: Map<String, Value>,
    /// Environment variables of the manifest.
    pub variables: Vec<(String, String)>,
    /// createOptions of the manifest.
    pub create_options: CreateOptions,
    /// What it is said to do: decides what is done to it.
    pub expected: Expected,
    /// What it may take.
    pub limits: Limits,
    /// How long each step takes.
    pub pace: Pace,
}

/// What a module may take, unless its createOptions ask for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory_bytes_max: u64,
    /// Processor time a second, in billionths of a core.
    pub nano_cpus_max: u64,
    /// Processes and threads.
    pub processes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 512 * 1024 * 1024,
            nano_cpus_max: 1_000_000_000,
            processes_max: 256,
        }
    }
}

/// How long each step takes, or may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From its start until it is connected, at most.
    pub connect_max: Duration,
    /// From then until a source has sent something by itself, at most (RUN-06).
    pub first_message_max: Duration,
    /// Watched after that, with nothing done to it.
    pub settle: Duration,
    /// For a reaction: a report, a message taken, a message sent.
    pub reaction_max: Duration,
    /// For the answer of a method.
    pub method_max: Duration,
    /// The hub is away for so long.
    pub outage: Duration,
    /// From the hub's return until the module is connected again, at most.
    pub return_max: Duration,
    /// From SIGTERM to its end, at most.
    pub stop_max: Duration,
    /// Between two samples of what it takes.
    pub sample: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect_max: Duration::from_secs(20),
            first_message_max: Duration::from_secs(60),
            settle: Duration::from_secs(8),
            reaction_max: Duration::from_secs(8),
            method_max: Duration::from_secs(10),
            outage: Duration::from_secs(12),
            return_max: Duration::from_secs(30),
            stop_max: Duration::from_secs(10),
            sample: Duration::from_secs(1),
        }
    }
}

/// First pause before a restart.
const BACK_OFF_UNIT: Duration = Duration::from_secs(10);
/// Longest pause before a restart.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// How long the agent waits before it starts a module again that has ended so many times (fact sheet §1.2).
pub fn back_off(restarts: u32) -> Duration {
    let factor = 1_u32.checked_shl(restarts).unwrap_or(u32::MAX);
    BACK_OFF_UNIT.saturating_mul(factor).min(BACK_OFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_waits_twice_as_long_each_time() {
        let seconds: Vec<u64> = [0, 1, 2, 4, 5, 31, 99]
            .map(|restarts| back_off(restarts).as_secs())
            .to_vec();
        assert_eq!(seconds, [10, 20, 40, 160, 300, 300, 300]);
    }
}
