//! Several modules side by side in one environment, kept running as the agent keeps them, until somebody has seen enough:
//! for trying modules out. Nothing is done to them that is not asked for, and nothing is judged.
//!
//! What surrounds them is the same as in a certification: one internal network, the allow-list, the limits.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Phase};
use super::body::{self, Profile};
use super::keep::Keeper;
use super::plan::Plan;
use super::restart::Restart;
use super::site::{self, Site};
use super::{Engine, EngineError, Image, StandError};
use crate::Environment;
use crate::log::EventLog;

/// From SIGTERM to SIGKILL.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Modules in their containers, in one environment.
pub struct Bench {
    site: Site,
    plans: Vec<(Plan, Image)>,
    board: Board,
    /// What of the createOptions the modules did not get.
    pub left_out: Vec<String>,
    stop: CancellationToken,
    keepers: Vec<JoinHandle<()>>,
}

impl Bench {
    /// Makes network, environment and containers; nothing runs yet. The images have to be there.
    ///
    /// # Errors
    /// The engine or the environment does not give what is needed; nothing is left behind.
    pub async fn open(engine: Engine, plans: Vec<Plan>) -> Result<Self, StandError> {
        let mut seats = Vec::new();
        for plan in plans {
            let image = site::image(&engine, &plan).await?;
            seats.push((plan, image));
        }
        let site = Site::open(engine, seats.iter().map(|(plan, _)| plan)).await?;
        let mut bench = Self {
            site,
            plans: seats,
            board: Board::default(),
            left_out: Vec::new(),
            stop: CancellationToken::new(),
            keepers: Vec::new(),
        };
        match bench.make_all().await {
            Ok(()) => Ok(bench),
            Err(problem) => {
                bench.close().await?;
                Err(problem.into())
            }
        }
    }

    async fn make_all(&mut self) -> Result<(), EngineError> {
        for (plan, image) in &self.plans {
            let module = &plan.module;
            let name = module.to_ascii_lowercase();
            let profile = Profile::default();
            self.site.make((plan, image), profile, &name).await?;
            let left_out = body::left_out(plan).into_iter();
            self.left_out
                .extend(left_out.map(|left| format!("{module}: {left}")));
            self.board.phase(module, Phase::Starting);
        }
        Ok(())
    }

    /// Starts the modules, and starts again what ends, as the policy says.
    pub fn start(&mut self, restart: Restart) {
        let containers = self.site.traces.containers.clone();
        for ((plan, _), container) in self.plans.iter().zip(containers) {
            let keeper = Keeper {
                engine: self.site.engine.clone(),
                network: self.site.network.clone(),
                container,
                module: plan.module.clone(),
                board: self.board.clone(),
                stop: self.stop.clone(),
                patience: STOP_MAX,
            };
            self.keepers.push(tokio::spawn(keeper.keep(restart)));
        }
    }

    /// How the modules are.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The environment they are in.
    pub fn environment(&mut self) -> &mut Environment {
        &mut self.site.environment
    }

    /// Stops the modules as a device does, and removes everything; the event log is given back.
    ///
    /// # Errors
    /// The engine does not remove something; [`Engine::sweep`] will, once this process is gone.
    pub async fn close(mut self) -> Result<EventLog, EngineError> {
        self.stop.cancel();
        for keeper in std::mem::take(&mut self.keepers) {
            if let Err(problem) = keeper.await {
                tracing::warn!(%problem, "a module's keeper did not end well");
            }
        }
        self.site.close().await
    }
}
