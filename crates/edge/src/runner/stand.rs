//! What a run stands on: an image, and a network with an environment in it.

use super::body::{self, Profile};
use super::site::{self, Made, Site, reachable};
use super::{Engine, EngineError, Image, NoEmulation, Plan, TooMuch};
use crate::EnvironmentError;
use crate::log::EventLog;

/// A network, an environment in it, and the plan for the module.
pub struct Stand {
    pub(super) site: Site,
    pub(super) plan: Plan,
    pub(super) image: Image,
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
    /// The image is for another kind of machine.
    #[error(transparent)]
    NoEmulation(#[from] NoEmulation),
    /// It asks for more than it can be given.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
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
    /// The module asks for more than it is given, or the engine or the environment does not give what is needed; nothing
    /// is left behind.
    pub async fn open(engine: Engine, plan: Plan) -> Result<Self, StandError> {
        plan.fits()?;
        let image = site::image(&engine, &plan).await?;
        let site = Site::open(engine, [&plan]).await?;
        Ok(Self { site, plan, image })
    }

    /// The event log.
    pub fn log(&self) -> &EventLog {
        self.site.environment.log()
    }

    /// What is run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Makes a container of the module.
    pub(super) async fn make(&mut self, profile: Profile, name: &str) -> Result<Made, EngineError> {
        let module = (&self.plan, &self.image);
        self.site.make(module, profile, name).await
    }

    /// See [`reachable`].
    pub(super) async fn is_reachable(&self, container: &str) -> Result<(), StandError> {
        reachable(&self.site.engine, &self.site.network, container).await
    }

    /// What of the createOptions the module does not get.
    pub fn left_out(&self) -> Vec<domain::behaviour::LeftOut> {
        body::left_out(&self.plan)
    }

    /// Ends the run: container, network and environment are removed; the event log is given back.
    ///
    /// # Errors
    /// The engine does not remove something; [`Engine::sweep`] will, once this process is gone.
    pub async fn close(self) -> Result<EventLog, EngineError> {
        self.site.close().await
    }
}
