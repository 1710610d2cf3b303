//! Where modules run: a folder, a network, an environment in it, and somebody to ask for names. Made together, removed
//! together, also when it is given up halfway.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::body::{self, Profile, Surroundings};
use super::label::{self, Label};
use super::plan::{Plan, together};
use super::{Engine, EngineError, Image, Network, StandError};
use crate::hub::{Place, Ports, listen};
use crate::identity::Device;
use crate::log::EventLog;
use crate::{Environment, EnvironmentError, Settings, names};

/// A network and an environment in it, for one run.
pub(super) struct Site {
    pub(super) engine: Engine,
    pub(super) network: Network,
    pub(super) traces: Traces,
    pub(super) environment: Environment,
    label: Label,
    /// Name of the run; containers are called after it.
    name: String,
    stop: DropGuard,
    resolver: Option<JoinHandle<()>>,
    _folder: TempDir,
}

/// A container that was made.
pub(super) struct Made {
    pub(super) id: String,
    /// Memory it may take.
    pub(super) memory_bytes_max: u64,
}

impl Site {
    /// Makes everything but the containers.
    ///
    /// # Errors
    /// The engine or the environment does not give what is needed; nothing is left behind.
    pub(super) async fn open<'a>(
        engine: Engine,
        plans: impl IntoIterator<Item = &'a Plan>,
    ) -> Result<Self, StandError> {
        let folder = tempfile::Builder::new()
            .prefix(label::FOLDER_PREFIX)
            .tempdir()
            .map_err(StandError::Folder)?;
        let label = Label::own();
        let name = run_name(folder.path());
        // Before the network, which is there even if the engine's answer does not arrive.
        let mut traces = Traces::new(&engine, &name);
        let network = engine.create_network(&name, &label, folder.path()).await?;
        match in_network(plans, &network, folder.path().to_owned()).await {
            Ok(environment) => {
                let stop = CancellationToken::new();
                let resolver = resolver(&network, environment.log(), &stop);
                Ok(Self {
                    engine,
                    network,
                    traces,
                    environment,
                    label,
                    name,
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

    /// Makes a container; `name` is added to the name of the run.
    pub(super) async fn make(
        &mut self,
        (plan, image): (&Plan, &Image),
        profile: Profile,
        name: &str,
    ) -> Result<Made, EngineError> {
        let module = &plan.module;
        let injected = self
            .environment
            .variables(module, Path::new(body::SOCKET))
            .unwrap_or_default();
        let around = Surroundings {
            image,
            network: &self.network,
            gateway_name: &self.environment.hub().device().gateway,
            socket: &self.environment.socket_path(module),
            injected,
            label: &self.label,
            podman: self.engine.is_podman(),
            emulated: !self.engine.is_own(&image.architecture),
        };
        let body = body::body(plan, &around, profile);
        let name = format!("{}-{name}", self.name);
        let id = self.engine.create_container(&name, &body).await?;
        self.traces.containers.push(id.clone());
        let memory = body.pointer("/HostConfig/Memory").and_then(Value::as_u64);
        Ok(Made {
            id,
            memory_bytes_max: memory.unwrap_or_default(),
        })
    }

    /// Names that modules ask for are seen.
    pub(super) fn names_are_seen(&self) -> bool {
        self.resolver.is_some()
    }

    /// Removes containers, network and environment; the event log is given back.
    ///
    /// # Errors
    /// The engine does not remove something; [`Engine::sweep`] will, once this process is gone.
    pub(super) async fn close(mut self) -> Result<EventLog, EngineError> {
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

/// The image of a plan, which its machine has to be able to run.
pub(super) async fn image(engine: &Engine, plan: &Plan) -> Result<Image, StandError> {
    let image = engine.image(&plan.image).await?;
    let image = image.ok_or_else(|| StandError::NoImage(plan.image.clone()))?;
    engine.can_run(&image.platform)?;
    Ok(image)
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
    fn new(engine: &Engine, network: &str) -> Self {
        Self {
            engine: engine.clone(),
            containers: Vec::new(),
            network: Some(network.to_owned()),
        }
    }

    /// Removes everything, as far as the engine does it; the last refusal is the error.
    async fn remove(&mut self) -> Result<(), EngineError> {
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
async fn in_network<'a>(
    plans: impl IntoIterator<Item = &'a Plan>,
    network: &Network,
    folder: PathBuf,
) -> Result<Environment, EnvironmentError> {
    let (routes, modules) = together(plans);
    let settings = Settings {
        device: Device::default(),
        address: network.gateway,
        address_to_come: true,
        ports: Ports::default(),
        folder,
        routes,
        modules,
        clock: Timestamp::now,
    };
    let (environment, without) = Environment::start_as_allowed(settings).await?;
    if let Some(problem) = without {
        tracing::warn!(%problem, "no WebSocket and no methods between modules in this run");
    }
    Ok(environment)
}

/// Somebody to ask for names; `None` without the right to the port, or where the engine has a resolver of its own.
fn resolver(network: &Network, log: &EventLog, stop: &CancellationToken) -> Option<JoinHandle<()>> {
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
fn run_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default().to_lowercase();
    format!("{name}-{}", std::process::id())
}
