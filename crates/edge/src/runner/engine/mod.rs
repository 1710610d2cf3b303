//! A container engine behind its socket: Docker, or Podman's service. Only the calls that a run needs, in the part of the
//! API that both speak (1.41).
//!
//! Spoken by hand over hyper: `bollard` would bring the whole API as types, while createOptions have to pass as the JSON
//! they are. Left out: engines across a network, building, registries that want a password.

mod container;
mod emulation;
mod image;
mod network;
mod request;
mod sweep;

use std::path::{Path, PathBuf};

pub(crate) use container::Ended;
pub use container::Sample;
pub use emulation::NoEmulation;
pub use image::{Image, is_archive};
pub use network::Network;
pub use sweep::Swept;

/// Version of the API that is spoken.
const API: &str = "/v1.41";
/// Podman's own API, for what the common one cannot say; below `/libpod`.
const LIBPOD_API: &str = "/v4.0.0";

/// An engine.
#[derive(Debug, Clone)]
pub struct Engine {
    socket: PathBuf,
    /// Name and version, as it says itself.
    pub name: String,
    /// Architecture of its machine, such as `amd64`.
    pub architecture: String,
}

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The address is none.
    #[error(
        "{0:?} is no address of a container engine; it reads unix:///run/podman/podman.sock or unix:///var/run/docker.sock"
    )]
    Address(String),
    /// Nobody there.
    #[error(
        "no container engine answers at {socket:?}: {problem}; start Docker, or `podman system service --time=0 unix://{}`", socket.display()
    )]
    Unreachable {
        /// Where.
        socket: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// It stopped talking in the middle.
    #[error("the container engine broke off while it was to {what}: {problem}")]
    Broken {
        /// What it was to do.
        what: String,
        /// How.
        problem: String,
    },
    /// It said no.
    #[error("the container engine could not {what} ({status}): {message}")]
    Refused {
        /// What it was to do.
        what: String,
        /// HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// It said something else than the API promises.
    #[error("the container engine answered {what} in a way that is not understood: {problem}")]
    Shape {
        /// What it was to do.
        what: String,
        /// What is missing.
        problem: String,
    },
}

impl Engine {
    /// Finds the engine at `unix:///path`.
    ///
    /// # Errors
    /// No such address, or nobody answers there.
    pub async fn open(address: &str) -> Result<Self, EngineError> {
        let socket = match address.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => PathBuf::from(path),
            _ => return Err(EngineError::Address(address.to_owned())),
        };
        let mut engine = Self {
            socket,
            name: String::new(),
            architecture: String::new(),
        };
        let about = engine.get("/version", "say its version").await?;
        let text = |pointer: &str| {
            let found = about.pointer(pointer).and_then(serde_json::Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let kind = match text("/Components/0/Name").as_str() {
            "" => text("/Platform/Name"),
            name => name.to_owned(),
        };
        engine.name = format!("{kind} {}", text("/Version")).trim().to_owned();
        engine.architecture = text("/Arch");
        Ok(engine)
    }

    /// Addresses where an engine usually is, the most wanted first: `DOCKER_HOST`, then the sockets of Docker and Podman
    /// that exist.
    pub fn usual_addresses(docker_host: Option<&str>, runtime_dir: Option<&str>) -> Vec<String> {
        if let Some(address) = docker_host.filter(|address| !address.is_empty()) {
            return vec![address.to_owned()];
        }
        let user = runtime_dir.map(|folder| format!("{folder}/podman/podman.sock"));
        ["/var/run/docker.sock", "/run/podman/podman.sock"]
            .map(str::to_owned)
            .into_iter()
            .chain(user)
            .filter(|path| Path::new(path).exists())
            .map(|path| format!("unix://{path}"))
            .collect()
    }

    /// Podman's service.
    pub(crate) fn is_podman(&self) -> bool {
        self.name.starts_with("Podman")
    }

    /// The socket it listens on.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}
