//! What a run stands on: an image, a network, an environment. Made together, removed together, also when it is given up
//! halfway.

use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::label::{self, Label};
use super::plan::{Plan, together};
use super::{Engine, EngineError, Image, Network};
use crate::hub::{Place, Ports, listen};
use crate::identity::Device;
use crate::log::EventLog;
use crate::{Environment, EnvironmentError, Settings, names};

/// A network, an environment in it, and the plan for the module.
pub struct Stand {
    pub(super) engine: Engine,
    pub(super) plan: Plan,
    pub(super) image: Image,
    pub(super) network: Network,
    pub(super) traces: Traces,
    pub(super) environment: Environment,
    pub(super) label: Label,
    /// Name of the run; containers are called after it.
    pub(super) name: String,
    /// What of the createOptions the module did not get.
    pub left_out: Vec<String>,
    /// Names that the module asks for are seen.
    pub names_are_seen: bool,
    stop: DropGuard,
    resolver: Option<JoinHandle<()>>,
    _folder: TempDir,
}

/// Why a module cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum StandError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// There is no such image.
    #[error("the container engine has no image {0:?}; pull it, or give an archive of it")]
    NoImage(String),
    /// The engine's networks are not this machine's.
    #[error(
        "the networks of {engine} are not on this machine: {gateway} is none of its addresses. A rootless Podman and engines in a virtual machine are like that; use one that runs here as root"
    )]
    Elsewhere {
        /// Where the environment should be.
        gateway: std::net::IpAddr,
        /// Which engine.
        engine: String,
    },
    /// No place for sockets.
    #[error("no folder for the run: {0}")]
    Folder(std::io::Error),
}

impl Stand {
    /// Makes everything but the container. The image has to be there.
    ///
    /// # Errors
    /// The engine or the environment does not give what is needed; nothing is left behind.
    pub async fn open(engine: Engine, plan: Plan) -> Result<Self, StandError> {
        let image = engine.image(&plan.image).await?;
        let image = image.ok_or_else(|| StandError::NoImage(plan.image.clone()))?;
        let folder = tempfile::Builder::new()
            .prefix(label::FOLDER_PREFIX)
            .tempdir()
            .map_err(StandError::Folder)?;
        let label = Label::own();
        let name = run_name(folder.path());
        // Before the network, which is there even if the engine's answer does not arrive.
        let mut traces = Traces::new(&engine, &name);
        let network = engine.create_network(&name, &label, folder.path()).await?;
        match in_network([&plan], &network, folder.path().to_owned()).await {
            Ok(environment) => {
                let stop = CancellationToken::new();
                let resolver = resolver(&network, environment.log(), &stop);
                Ok(Self {
                    engine,
                    plan,
                    image,
                    network,
                    traces,
                    environment,
                    label,
                    name,
                    left_out: Vec::new(),
                    names_are_seen: resolver.is_some(),
                    stop: stop.drop_guard(),
                    resolver,
                    _folder: folder,
                })
            }
            Err(problem) => {
                traces.remove().await?;
                Err(problem.into())
            }
        }
    }

    /// The event log.
    pub fn log(&self) -> &EventLog {
        self.environment.log()
    }

    /// What is run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// See [`reachable`].
    pub(super) async fn is_reachable(&self, container: &str) -> Result<(), StandError> {
        reachable(&self.engine, &self.network, container).await
    }

    /// Ends the run: container, network and environment are removed; the event log is given back.
    ///
    /// # Errors
    /// The engine does not remove something; [`Engine::sweep`] will, once this process is gone.
    pub async fn close(mut self) -> Result<EventLog, EngineError> {
        let removed = self.traces.remove().await;
        drop(self.stop);
        if let Some(resolver) = self.resolver.take()
            && let Err(problem) = resolver.await
        {
            tracing::warn!(%problem, "the resolver of a run did not end well");
        }
        let log = self.environment.close().await;
        removed.map(|()| log)
    }
}

/// The environment is at an address of the engine's network. Where the engine's networks are in another place than
/// this process, no module ever reaches it, and that is nothing to blame on a module. Known once a container runs.
pub(super) async fn reachable(
    engine: &Engine,
    network: &Network,
    container: &str,
) -> Result<(), StandError> {
    let gateway = network.gateway;
    let here = || std::net::UdpSocket::bind((gateway, 0)).is_ok();
    // A network without a running container has no address, so one that ended at once proves nothing.
    if here() || engine.container_process(container).await?.is_none() || here() {
        return Ok(());
    }
    Err(StandError::Elsewhere {
        gateway,
        engine: engine.name.clone(),
    })
}

/// What a run left at the engine so far.
pub(super) struct Traces {
    engine: Engine,
    /// Containers that were made and not yet removed.
    pub(super) containers: Vec<String>,
    network: Option<String>,
}

impl Traces {
    pub(super) fn new(engine: &Engine, network: &str) -> Self {
        Self {
            engine: engine.clone(),
            containers: Vec::new(),
            network: Some(network.to_owned()),
        }
    }

    /// Removes everything, as far as the engine does it; the last refusal is the error.
    pub(super) async fn remove(&mut self) -> Result<(), EngineError> {
        let (containers, network) = (std::mem::take(&mut self.containers), self.network.take());
        remove(&self.engine, containers, network).await
    }
}

async fn remove(
    engine: &Engine,
    containers: Vec<String>,
    network: Option<String>,
) -> Result<(), EngineError> {
    let mut trouble = None;
    for id in containers {
        trouble = engine.remove_container(&id).await.err().or(trouble);
    }
    if let Some(network) = network {
        trouble = engine.remove_network(&network).await.err().or(trouble);
    }
    trouble.map_or(Ok(()), Err)
}

/// A run that is given up halfway is cleaned up behind it; without a runtime, by the next sweep.
impl Drop for Traces {
    fn drop(&mut self) {
        let (containers, network) = (std::mem::take(&mut self.containers), self.network.take());
        if containers.is_empty() && network.is_none() {
            return;
        }
        let engine = self.engine.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(problem) = remove(&engine, containers, network).await {
                    tracing::warn!(%problem, "a run that was given up left something at the container engine");
                }
            });
        }
    }
}

/// The environment at the network's gateway; without the right to port 443, without that port.
pub(super) async fn in_network<'a>(
    plans: impl IntoIterator<Item = &'a Plan>,
    network: &Network,
    folder: PathBuf,
) -> Result<Environment, EnvironmentError> {
    let (routes, modules) = together(plans);
    let mut settings = Settings {
        device: Device::default(),
        address: network.gateway,
        address_to_come: true,
        ports: Ports::default(),
        folder,
        routes,
        modules,
        clock: Timestamp::now,
    };
    match Environment::start(settings.clone()).await {
        Err(EnvironmentError::Server(problem)) if problem.is_about_port(443) => {
            tracing::warn!(%problem, "no WebSocket and no methods between modules in this run");
            settings.ports.https = None;
            Environment::start(settings).await
        }
        other => other,
    }
}

/// Somebody to ask for names; `None` without the right to the port, or where the engine has a resolver of its own.
pub(super) fn resolver(
    network: &Network,
    log: &EventLog,
    stop: &CancellationToken,
) -> Option<JoinHandle<()>> {
    let place = Place {
        address: network.gateway,
        to_come: true,
    };
    match listen::udp(place, names::PORT) {
        Ok(socket) => {
            let serving = names::serve(socket, log.clone(), stop.clone());
            Some(tokio::spawn(serving))
        }
        Err(problem) => {
            tracing::warn!(%problem, "names that a module asks for are not seen");
            None
        }
    }
}

/// The folder's own random name serves the network and the containers too.
pub(super) fn run_name(folder: &std::path::Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default().to_lowercase();
    format!("{name}-{}", std::process::id())
}
