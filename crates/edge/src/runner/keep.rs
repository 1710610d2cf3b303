//! Keeps one container running as the agent does, reads what it prints, and measures what it takes.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Phase};
use super::restart::{Restart, Restarts};
use super::site::reachable;
use super::{Ended, Engine, EngineError, Network};

/// Between two samples of what it takes.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Exit code of a container that the engine could not start.
const NOT_STARTED: i64 = 127;

/// One container, and where everything about it is written down.
pub(super) struct Keeper {
    pub(super) engine: Engine,
    pub(super) network: Network,
    pub(super) container: String,
    pub(super) module: String,
    pub(super) board: Board,
    pub(super) stop: CancellationToken,
    /// From SIGTERM to SIGKILL.
    pub(super) patience: Duration,
}

impl Keeper {
    /// Until it is told to stop, or the module stays ended.
    pub(super) async fn keep(self, restart: Restart) {
        let mut restarts = Restarts::new(restart);
        loop {
            self.board.phase(&self.module, Phase::Starting);
            let began = Instant::now();
            let code = match self.live().await {
                Ok(Some(ended)) => ended.code,
                Ok(None) => return,
                Err(problem) => {
                    self.board.print(&self.module, &problem.to_string());
                    NOT_STARTED
                }
            };
            let next = restarts.after(code, began.elapsed());
            self.board.phase(&self.module, next);
            let Phase::BackOff { pause_seconds, .. } = next else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(pause_seconds)) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// One life; `None` when it was told to stop.
    async fn live(&self) -> Result<Option<Ended>, EngineError> {
        let since = Timestamp::now().as_second();
        self.engine.start_container(&self.container).await?;
        self.board.phase(&self.module, Phase::Running);
        if let Err(problem) = reachable(&self.engine, &self.network, &self.container).await {
            self.board.print(&self.module, &problem.to_string());
        }
        let print = |line: &str| self.board.print(&self.module, line);
        let reading = self.engine.follow_container(&self.container, since, print);
        let waiting = self.engine.wait_container(&self.container);
        let ended = async {
            // Both end with the container; what it printed last is read before its end is told.
            let (ended, read) = tokio::join!(waiting, reading);
            if let Err(problem) = read {
                tracing::warn!(%problem, module = self.module, "what a module prints is not seen");
            }
            ended
        };
        tokio::select! {
            ended = ended => ended.map(Some),
            never = self.measure() => match never {},
            () = self.stop.cancelled() => self.end().await.map(|()| None),
        }
    }

    /// Looks at it every so often, for ever.
    async fn measure(&self) -> Infallible {
        loop {
            if let Ok(Some(sample)) = self.engine.sample_container(&self.container).await {
                self.board.sample(&self.module, sample);
            }
            tokio::time::sleep(SAMPLE_EVERY).await;
        }
    }

    /// Asks it to end; what does not is killed when the container is removed.
    async fn end(&self) -> Result<(), EngineError> {
        self.engine
            .signal_container(&self.container, "SIGTERM")
            .await?;
        let waiting = self.engine.wait_container(&self.container);
        if let Ok(ended) = tokio::time::timeout(self.patience, waiting).await {
            ended?;
        }
        Ok(())
    }
}
