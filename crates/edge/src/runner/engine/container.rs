//! Containers: made, started, watched, ended, removed.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::image::query;
use super::request::{self, Asked};
use super::{Engine, EngineError};

/// Seconds to wait for a container's end; a run is over before.
const WAIT_SECONDS_MAX: u64 = 3_600;
/// Lines of a container's output that are read.
const TAIL_LINES: u32 = 200;

/// How a container ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Exit code.
    pub(crate) code: i64,
    /// The engine says that the kernel ended it for its memory.
    pub(crate) out_of_memory: bool,
    /// When it was started and when it ended, by the engine's clock: that it ended is heard of later.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
}

/// What a container takes at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Memory without the cache of files, in bytes.
    pub memory_bytes: u64,
    /// Processor time since its start, in nanoseconds.
    pub cpu_ns: u64,
}

impl Engine {
    /// Makes a container; gives its id.
    pub(crate) async fn create_container(
        &self,
        name: &str,
        body: &Value,
    ) -> Result<String, EngineError> {
        let what = "make the container";
        let path = format!("/containers/create?name={}", query(name));
        let made = self.post(&path, Some(body), what).await?;
        let id = made["Id"].as_str().map(str::to_owned);
        id.ok_or_else(|| EngineError::Shape {
            what: what.to_owned(),
            problem: "no Id".to_owned(),
        })
    }

    pub(crate) async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{id}/start");
        self.post(&path, None, "start the container").await?;
        Ok(())
    }

    /// Sends a signal; a container that has ended already is no failure.
    pub(crate) async fn signal_container(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{id}/kill?signal={signal}");
        match self.post(&path, None, "signal the container").await {
            Ok(_)
            | Err(EngineError::Refused {
                status: 404 | 409, ..
            }) => Ok(()),
            // Podman's word for the same.
            Err(EngineError::Refused {
                status: 500,
                message,
                ..
            }) if message.contains("can only kill running containers")
                || message.contains("no such process") =>
            {
                Ok(())
            }
            Err(problem) => Err(problem),
        }
    }

    /// Waits for its end.
    pub(crate) async fn wait_container(&self, id: &str) -> Result<Ended, EngineError> {
        let what = "wait for the container";
        let path = format!("/containers/{id}/wait");
        let asked = Asked {
            seconds_max: WAIT_SECONDS_MAX,
            ..Asked::new(Method::POST, &path, what)
        };
        let answer = request::json(&self.ask(asked, request::nothing()).await?, what)?;
        let state = self.get(&format!("/containers/{id}/json"), what).await?;
        let code = answer["StatusCode"]
            .as_i64()
            .or_else(|| state.pointer("/State/ExitCode")?.as_i64());
        Ok(Ended {
            code: code.unwrap_or(-1),
            out_of_memory: state.pointer("/State/OOMKilled") == Some(&Value::Bool(true)),
            times: time(&state, "/State/StartedAt").zip(time(&state, "/State/FinishedAt")),
        })
    }

    /// Process id of its first process on this machine, while it runs.
    pub(crate) async fn container_process(&self, id: &str) -> Result<Option<u64>, EngineError> {
        let path = format!("/containers/{id}/json");
        let found = self.get(&path, "look at the container").await?;
        let process = found.pointer("/State/Pid").and_then(Value::as_u64);
        Ok(process.filter(|process| *process > 0))
    }

    /// What it takes now; `None` when it does not run.
    pub(crate) async fn sample_container(&self, id: &str) -> Result<Option<Sample>, EngineError> {
        let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
        let found = match self.get(&path, "measure the container").await {
            Err(EngineError::Refused { .. }) => return Ok(None),
            other => other?,
        };
        let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_u64);
        let cache = number("/memory_stats/stats/total_inactive_file")
            .or_else(|| number("/memory_stats/stats/inactive_file"));
        let Some(used) = number("/memory_stats/usage").filter(|used| *used > 0) else {
            return Ok(None);
        };
        Ok(Some(Sample {
            memory_bytes: used.saturating_sub(cache.unwrap_or_default()),
            cpu_ns: number("/cpu_stats/cpu_usage/total_usage").unwrap_or_default(),
        }))
    }

    /// The end of what it printed.
    pub(crate) async fn container_output(&self, id: &str) -> Result<String, EngineError> {
        let path = format!("/containers/{id}/logs?stdout=true&stderr=true&tail={TAIL_LINES}");
        let asked = Asked::new(Method::GET, &path, "read the container's output");
        let answer = self.ask(asked, request::nothing()).await?;
        Ok(unframed(&answer))
    }

    /// Removes it, running or not, with its volumes.
    pub(crate) async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{id}?force=true&v=true");
        self.delete(&path, "remove the container").await
    }
}

fn time(state: &Value, pointer: &str) -> Option<Timestamp> {
    state.pointer(pointer)?.as_str()?.parse().ok()
}

/// The text of a log: frames of eight bytes before each piece (stream, three zeros, length), or none with a terminal.
fn unframed(mut bytes: &[u8]) -> String {
    let mut text = Vec::new();
    while let [0..=2, 0, 0, 0, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]);
        let length = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        text.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    text.extend_from_slice(bytes);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unframed;

    #[test]
    fn frames_are_taken_off() {
        let framed = b"\x01\0\0\0\0\0\0\x03ab\n\x02\0\0\0\0\0\0\x02c\n";
        assert_eq!(unframed(framed), "ab\nc\n");
        assert_eq!(unframed(b"plain\n"), "plain\n");
        assert_eq!(unframed(b"\x01\0\0\0\xff\xff\xff\xffcut"), "cut");
        assert_eq!(unframed(b""), "");
    }
}
