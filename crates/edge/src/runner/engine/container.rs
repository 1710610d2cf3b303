//! Containers: made, started, watched, ended, removed.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::image::query;
use super::request::{self, Asked};
use super::{Engine, EngineError};

/// Seconds to wait for a container's end: a week, for modules that somebody plays with.
const WAIT_SECONDS_MAX: u64 = 604_800;
/// Bytes of a line that a module prints; a longer one is read as several.
const LINE_BYTES_MAX: usize = 16 * 1024;
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

    /// Reads what it prints from a moment on (seconds since 1970), line by line, until it ends.
    pub(crate) async fn follow_container(
        &self,
        id: &str,
        since: i64,
        mut line: impl FnMut(&str),
    ) -> Result<(), EngineError> {
        let path =
            format!("/containers/{id}/logs?follow=true&stdout=true&stderr=true&since={since}");
        let what = "read the container's output";
        let asked = Asked::new(Method::GET, &path, what);
        let (mut frames, mut lines) = (Frames::default(), Lines::default());
        self.stream(asked, |bytes| {
            frames.take(bytes, |piece| lines.take(piece, &mut line));
        })
        .await?;
        lines.end(&mut line);
        Ok(())
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
fn unframed(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut frames = Frames::default();
    frames.take(bytes, |piece| text.extend_from_slice(piece));
    text.extend_from_slice(&frames.head);
    String::from_utf8_lossy(&text).into_owned()
}

/// Takes the frames off a log that comes in pieces of any size.
#[derive(Default)]
struct Frames {
    /// The beginning of a frame's head.
    head: Vec<u8>,
    /// Bytes of the frame that are still to come.
    left: usize,
    /// It has no frames: the container has a terminal.
    plain: bool,
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8], mut piece: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.plain {
                return piece(bytes);
            }
            if self.left > 0 {
                let (whole, rest) = bytes.split_at(self.left.min(bytes.len()));
                piece(whole);
                self.left -= whole.len();
                bytes = rest;
                continue;
            }
            let (part, rest) = bytes.split_at((8 - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(part);
            bytes = rest;
            match *self.head {
                [0..=2, 0, 0, 0, a, b, c, d] => {
                    let length = u32::from_be_bytes([a, b, c, d]);
                    self.left = usize::try_from(length).unwrap_or(usize::MAX);
                    self.head.clear();
                }
                [0..=2] | [0..=2, 0] | [0..=2, 0, 0] | [0..=2, 0, 0, 0, ..] => {}
                _ => {
                    self.plain = true;
                    piece(&std::mem::take(&mut self.head));
                }
            }
        }
    }
}

/// Cuts a text that comes in pieces into lines.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, bytes: &[u8], line: &mut impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' => self.end(line),
                b'\r' => {}
                byte => self.0.push(*byte),
            }
            if self.0.len() >= LINE_BYTES_MAX {
                self.end(line);
            }
        }
    }

    /// Gives the line that has no end yet, if there is one.
    fn end(&mut self, line: &mut impl FnMut(&str)) {
        if !self.0.is_empty() {
            line(&String::from_utf8_lossy(&std::mem::take(&mut self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_off() {
        let framed = b"\x01\0\0\0\0\0\0\x03ab\n\x02\0\0\0\0\0\0\x02c\n";
        assert_eq!(unframed(framed), "ab\nc\n");
        assert_eq!(unframed(b"plain\n"), "plain\n");
        assert_eq!(unframed(b"\x01\0\0\0\xff\xff\xff\xffcut"), "cut");
        assert_eq!(unframed(b""), "");
    }

    #[test]
    fn pieces_of_any_size_give_the_same_lines() {
        let framed =
            b"\x01\0\0\0\0\0\0\x05ab\nc\r\x02\0\0\0\0\0\0\x06\nd\n\ne\n\x01\0\0\0\0\0\0\x01f";
        for size in 1..framed.len() {
            let mut found = Vec::new();
            let mut keep = |line: &str| found.push(line.to_owned());
            let (mut frames, mut lines) = (Frames::default(), Lines::default());
            for piece in framed.chunks(size) {
                frames.take(piece, |piece| lines.take(piece, &mut keep));
            }
            lines.end(&mut keep);
            assert_eq!(found, ["ab", "c", "d", "e", "f"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut found = Vec::new();
        let mut lines = Lines::default();
        lines.take(&vec![b'x'; LINE_BYTES_MAX * 2 + 1], &mut |line: &str| {
            found.push(line.len());
        });
        assert_eq!(found, [LINE_BYTES_MAX, LINE_BYTES_MAX]);
    }
}
