//! One start of a container, watched until something happens, it ends, or patience does.

use std::time::{Duration, Instant};

use domain::behaviour::Exit;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::{Ended, Engine, EngineError};
use crate::log::{Entry, EventLog};

/// Exit code of a process that was killed: without our doing, by the kernel for its memory.
const KILLED: i64 = 137;

/// A container that was started.
pub(super) struct Running {
    pub(super) id: String,
    /// Number of the first event of this start.
    pub(super) from: u64,
    /// Microseconds of the log at the start.
    pub(super) began_us: u64,
    began: Instant,
    engine: Engine,
    log: EventLog,
    waiting: JoinHandle<Result<Ended, EngineError>>,
    ended: Option<Ended>,
    watched: Duration,
}

/// What came first.
pub(super) enum Met {
    Event,
    Ended,
    Nothing,
}

impl Running {
    /// Starts a container.
    pub(super) async fn start(
        engine: &Engine,
        id: &str,
        log: &EventLog,
    ) -> Result<Self, EngineError> {
        let from = log.next_number();
        let began_us = u64::try_from(log.elapsed().as_micros()).unwrap_or(u64::MAX);
        engine.start_container(id).await?;
        let (waiter, container) = (engine.clone(), id.to_owned());
        Ok(Self {
            id: id.to_owned(),
            from,
            began_us,
            began: Instant::now(),
            engine: engine.clone(),
            log: log.clone(),
            waiting: tokio::spawn(async move { waiter.wait_container(&container).await }),
            ended: None,
            watched: Duration::ZERO,
        })
    }

    /// Waits for an event from a number on, the container's end, or the end of patience.
    pub(super) async fn until(
        &mut self,
        from: u64,
        patience: Duration,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Result<Met, EngineError> {
        if self.ended.is_some() {
            return Ok(Met::Ended);
        }
        let log = self.log.clone();
        let met = tokio::select! {
            found = log.wait_for(from, patience, wanted) => if found.is_some() { Met::Event } else { Met::Nothing },
            ended = &mut self.waiting => {
                self.ended = Some(joined(ended)?);
                Met::Ended
            }
        };
        self.watched = self.began.elapsed();
        Ok(met)
    }

    /// Watches it for so long, whatever happens; false when it ended.
    pub(super) async fn watch(&mut self, length: Duration) -> Result<bool, EngineError> {
        let met = self.until(0, length, |_| false).await?;
        Ok(!matches!(met, Met::Ended))
    }

    /// Does something that takes time, unless the container ends first.
    pub(super) async fn during<T>(
        &mut self,
        doing: impl Future<Output = T>,
    ) -> Result<Option<T>, EngineError> {
        if self.ended.is_some() {
            return Ok(None);
        }
        let done = tokio::select! {
            done = doing => Some(done),
            ended = &mut self.waiting => {
                self.ended = Some(joined(ended)?);
                None
            }
        };
        self.watched = self.began.elapsed();
        Ok(done)
    }

    /// How it ended, if it did and nobody asked it to; `during` says what was being done to it.
    pub(super) fn exit(&self, during: &str) -> Option<Exit> {
        self.ended.map(|ended| Exit {
            code: ended.code,
            after_ms: ended
                .times
                .map_or(self.watched_ms(), |(from, to)| between(from, to)),
            out_of_memory: ended.out_of_memory || ended.code == KILLED,
            during: during.to_owned(),
        })
    }

    /// Milliseconds from its start to the last look at it.
    pub(super) fn watched_ms(&self) -> u64 {
        u64::try_from(self.watched.as_millis()).unwrap_or(u64::MAX)
    }

    /// Asks it to end, and ends it when it does not; gives the milliseconds it took, and whether it was killed.
    pub(super) async fn stop(&mut self, patience: Duration) -> Result<(u64, bool), EngineError> {
        let asked = Timestamp::now();
        if !patience.is_zero() {
            self.engine.signal_container(&self.id, "SIGTERM").await?;
            if !self.watch(patience).await? {
                return Ok((self.took(asked), false));
            }
        }
        self.engine.signal_container(&self.id, "SIGKILL").await?;
        if self.ended.is_none() {
            self.ended = Some(joined((&mut self.waiting).await)?);
        }
        Ok((self.took(asked), true))
    }

    /// Milliseconds from a moment to the container's end, or to now.
    fn took(&self, asked: Timestamp) -> u64 {
        let ended = self.ended.and_then(|ended| Some(ended.times?.1));
        between(asked, ended.unwrap_or_else(Timestamp::now))
    }
}

/// A start that is given up is not waited for.
impl Drop for Running {
    fn drop(&mut self) {
        self.waiting.abort();
    }
}

/// Milliseconds; none when the clocks of engine and process disagree.
fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

fn joined(
    ended: Result<Result<Ended, EngineError>, tokio::task::JoinError>,
) -> Result<Ended, EngineError> {
    ended.unwrap_or_else(|problem| {
        Err(EngineError::Broken {
            what: "wait for the container".to_owned(),
            problem: problem.to_string(),
        })
    })
}
