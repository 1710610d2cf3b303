//! Several modules side by side in one environment, kept running as the agent keeps them, until somebody has seen enough:
//! for trying modules out. Nothing is done to them that is not asked for, and nothing is judged.
//!
//! What surrounds them is the same as in a certification: one internal network, the allow-list, the limits.

use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Phase};
use super::body::{self, Profile, Surroundings};
use super::keep::Keeper;
use super::label::{self, Label};
use super::plan::Plan;
use super::restart::Restart;
use super::stand::{Traces, in_network, resolver, run_name};
use super::{Engine, EngineError, Image, Network, StandError};
use crate::Environment;
use crate::log::EventLog;

/// From SIGTERM to SIGKILL.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Modules in their containers, in one environment.
pub struct Bench {
    engine: Engine,
    plans: Vec<(Plan, Image)>,
    network: Network,
    traces: Traces,
    environment: Environment,
    board: Board,
    label: Label,
    name: String,
    /// What of the createOptions the modules did not get.
    pub left_out: Vec<String>,
    stop: CancellationToken,
    keepers: Vec<JoinHandle<()>>,
    resolver: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Bench {
    /// Makes network, environment and containers; nothing runs yet. The images have to be there.
    ///
    /// # Errors
    /// The engine or the environment does not give what is needed; nothing is left behind.
    pub async fn open(engine: Engine, plans: Vec<Plan>) -> Result<Self, StandError> {
        let mut seats = Vec::new();
        for plan in plans {
            let image = engine.image(&plan.image).await?;
            let image = image.ok_or_else(|| StandError::NoImage(plan.image.clone()))?;
            seats.push((plan, image));
        }
        let folder = tempfile::Builder::new()
            .prefix(label::FOLDER_PREFIX)
            .tempdir()
            .map_err(StandError::Folder)?;
        let label = Label::own();
        let name = run_name(folder.path());
        let mut traces = Traces::new(&engine, &name);
        let network = engine.create_network(&name, &label, folder.path()).await?;
        let plans = seats.iter().map(|(plan, _)| plan);
        let environment = match in_network(plans, &network, folder.path().to_owned()).await {
            Ok(environment) => environment,
            Err(problem) => {
                traces.remove().await?;
                return Err(problem.into());
            }
        };
        let stop = CancellationToken::new();
        let resolver = resolver(&network, environment.log(), &stop);
        let mut bench = Self {
            engine,
            plans: seats,
            network,
            traces,
            environment,
            board: Board::default(),
            label,
            name,
            left_out: Vec::new(),
            stop,
            keepers: Vec::new(),
            resolver,
            _folder: folder,
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
            let socket = std::path::Path::new(body::SOCKET);
            let around = Surroundings {
                image,
                network: &self.network,
                gateway_name: &self.environment.hub().device().gateway,
                socket: &self.environment.socket_path(module),
                injected: self
                    .environment
                    .variables(module, socket)
                    .unwrap_or_default(),
                label: &self.label,
            };
            let (body, left_out) = body::body(plan, &around, Profile::default());
            let name = format!("{}-{}", self.name, module.to_ascii_lowercase());
            let id = self.engine.create_container(&name, &body).await?;
            self.traces.containers.push(id);
            self.left_out
                .extend(left_out.into_iter().map(|what| format!("{module}: {what}")));
            self.board.phase(module, Phase::Starting);
        }
        Ok(())
    }

    /// Starts the modules, and starts again what ends, as the policy says.
    pub fn start(&mut self, restart: Restart) {
        let containers = self.traces.containers.clone();
        for ((plan, _), container) in self.plans.iter().zip(containers) {
            let keeper = Keeper {
                engine: self.engine.clone(),
                network: self.network.clone(),
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
        &mut self.environment
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
        let removed = self.traces.remove().await;
        if let Some(resolver) = self.resolver.take()
            && let Err(problem) = resolver.await
        {
            tracing::warn!(%problem, "the resolver of a run did not end well");
        }
        let log = self.environment.close().await;
        removed.map(|()| log)
    }
}
