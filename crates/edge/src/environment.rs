//! A whole environment: authority, hub and workload sockets, started and stopped together.
//!
//! Left out: starting modules. [`Environment::variables`] is what a module is started with, in a container or not.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::{Authority, AuthorityError, Issued, Purpose};
use crate::hub::{Hub, HubServer, Place, Ports, ServerError};
use crate::identity::{Device, is_host, is_id};
use crate::log::EventLog;
use crate::routing::{Router, RoutingError};
use crate::twin::{PatchError, Twin};
use crate::workload::{self, Credentials, SealError};

/// Modules of one run.
pub const MODULES_MAX: usize = 16;
/// Bytes of a unix socket's path, on Linux.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// How an environment is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names of hub and device.
    pub device: Device,
    /// Address to listen on: what the gateway's name resolves to for the modules.
    pub address: IpAddr,
    /// The address may not be there yet: that of a network's bridge comes with the first container.
    pub address_to_come: bool,
    /// Ports to listen on.
    pub ports: Ports,
    /// Folder for sockets and the certificate; it must exist, and belongs to this run alone.
    pub folder: PathBuf,
    /// Routes by name.
    pub routes: BTreeMap<String, String>,
    /// The modules.
    pub modules: Vec<ModuleSettings>,
    /// Tells the time, for tokens and certificates.
    pub clock: fn() -> Timestamp,
}

/// A module of a run.
#[derive(Debug, Clone)]
pub struct ModuleSettings {
    /// Module id.
    pub name: String,
    /// Desired properties it begins with.
    pub desired: Map<String, Value>,
}

/// Why an environment cannot start; nothing of it keeps running.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A name that no topic or certificate can hold.
    #[error("{what} {name:?} is no name: 1 to 128 letters, digits, `-`, `_`, `.`")]
    Name {
        /// Whose name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// No module, too many, or two of one name.
    #[error("{found} different module name(s); a run has 1 to {MODULES_MAX}, each another")]
    Modules {
        /// How many.
        found: usize,
    },
    /// Desired properties break a limit.
    #[error("desired properties of module {module:?}: {problem}")]
    Desired {
        /// Module id.
        module: String,
        /// Which limit.
        problem: PatchError,
    },
    /// A route is refused.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// No certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No keys.
    #[error(transparent)]
    Keys(#[from] SealError),
    /// The hub cannot listen.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The path of a socket is too long for the system.
    #[error(
        "socket path {path:?} has {found} bytes; the system takes {SOCKET_PATH_BYTES_MAX}: use a shorter folder"
    )]
    SocketPath {
        /// Path.
        path: PathBuf,
        /// Bytes.
        found: usize,
    },
    /// A file or socket cannot be made.
    #[error("cannot make {path:?}: {problem}")]
    File {
        /// Path.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// It was stopped, and asked to listen where it already does.
    #[error("the hub is listening already")]
    Listening,
}

/// A running environment.
pub struct Environment {
    settings: Settings,
    hub: Arc<Hub>,
    certificate: Issued,
    server: Option<HubServer>,
    ports: Ports,
    modules: BTreeMap<String, Arc<Credentials>>,
    ca_file: PathBuf,
    /// Files and sockets of this run: what was there before stays when it ends.
    made: Vec<PathBuf>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Environment {
    /// Starts everything; without the right to the port of HTTPS, without that port, and the problem is given too.
    ///
    /// # Errors
    /// As [`Environment::start`].
    pub async fn start_as_allowed(
        mut settings: Settings,
    ) -> Result<(Self, Option<ServerError>), EnvironmentError> {
        match (Self::start(settings.clone()).await, settings.ports.https) {
            (Err(EnvironmentError::Server(problem)), Some(port)) if problem.is_about_port(port) => {
                settings.ports.https = None;
                let started = Self::start(settings).await?;
                Ok((started, Some(problem)))
            }
            (started, _) => Ok((started?, None)),
        }
    }

    /// Starts everything.
    ///
    /// # Errors
    /// A setting is wrong, or the system does not give what is needed.
    pub async fn start(settings: Settings) -> Result<Self, EnvironmentError> {
        check(&settings)?;
        let router = Router::new(
            settings
                .routes
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        )?;
        let authority = Arc::new(Authority::new((settings.clock)())?);
        let address = settings.address.to_string();
        let certificate =
            authority.issue(&[&settings.device.gateway, &address], Purpose::Server)?;
        let device = Arc::new(settings.device.clone());
        let log = EventLog::new(Instant::now());
        let hub = Arc::new(Hub::new(Arc::clone(&device), router, log, settings.clock));
        let ca_file = settings.folder.join("ca.pem");
        write(&ca_file, authority.root_pem())?;
        let mut environment = Self {
            ports: settings.ports,
            hub,
            certificate,
            server: None,
            modules: BTreeMap::new(),
            made: vec![ca_file.clone()],
            ca_file,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
        };
        for index in 0..environment.settings.modules.len() {
            let module = environment.settings.modules[index].clone();
            environment.open_module(&module, &device, &authority)?;
        }
        environment.start_hub()?;
        Ok(environment)
    }

    /// Keys, twin and socket of one module.
    fn open_module(
        &mut self,
        module: &ModuleSettings,
        device: &Arc<Device>,
        authority: &Arc<Authority>,
    ) -> Result<(), EnvironmentError> {
        let twin = Twin::new(&module.desired).map_err(|problem| EnvironmentError::Desired {
            module: module.name.clone(),
            problem,
        })?;
        let generation = u64::try_from((self.settings.clock)().as_microsecond()).unwrap_or(1);
        let credentials = Credentials::new(
            Arc::clone(device),
            &module.name,
            generation,
            Arc::clone(authority),
        )?;
        let credentials = Arc::new(credentials);
        self.hub.add_module(Arc::clone(&credentials), twin);
        let path = self.socket_path(&module.name);
        let listener = bind(&path)?;
        self.made.push(path.clone());
        open_to_all(&path)?;
        let serving = workload::serve(
            listener,
            Arc::clone(&credentials),
            self.hub.log().clone(),
            self.stop.clone(),
        );
        self.tasks.spawn(serving);
        self.modules.insert(module.name.clone(), credentials);
        Ok(())
    }

    /// The hub: twins, methods, inputs.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The event log.
    pub fn log(&self) -> &EventLog {
        self.hub.log()
    }

    /// Ports the hub listens on, or did before it was stopped.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The root certificate, as a PEM file.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The workload socket of a module.
    pub fn socket_path(&self, module: &str) -> PathBuf {
        self.settings.folder.join(format!("{module}.sock"))
    }

    /// Names of the modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The variables that edgeAgent sets on a module, in its order (edge-runtime fact sheet §1.1). `socket` is where
    /// the module finds its workload socket; `None` for a module that is not in the run.
    pub fn variables(&self, module: &str, socket: &Path) -> Option<Vec<(&'static str, String)>> {
        let credentials = self.modules.get(module)?;
        let device = &self.settings.device;
        Some(vec![
            (
                "IOTEDGE_WORKLOADURI",
                format!("unix://{}", socket.display()),
            ),
            ("IOTEDGE_MODULEGENERATIONID", credentials.generation.clone()),
            ("IOTEDGE_DEVICEID", device.device.clone()),
            ("IOTEDGE_MODULEID", credentials.module.clone()),
            ("IOTEDGE_IOTHUBHOSTNAME", device.hub.clone()),
            ("IOTEDGE_AUTHSCHEME", "sasToken".into()),
            ("IOTEDGE_APIVERSION", "2022-08-03".into()),
            ("IOTEDGE_GATEWAYHOSTNAME", device.gateway.clone()),
            ("RuntimeLogLevel", "Information".into()),
        ])
    }

    /// What a module under a debugger is given instead of a socket, as `EdgeHubConnectionString`; `None` for a module
    /// that is not in the run. It holds the module's key, which is worth nothing outside the run.
    pub fn connection_string(&self, module: &str) -> Option<String> {
        let credentials = self.modules.get(module)?;
        let device = &self.settings.device;
        Some(format!(
            "HostName={};GatewayHostName={};DeviceId={};ModuleId={};SharedAccessKey={}",
            device.hub,
            device.gateway,
            device.device,
            credentials.module,
            BASE64_STANDARD.encode(credentials.key())
        ))
    }

    /// Stops the hub, as an outage does: ports closed, connections dropped. Sessions and workload sockets stay.
    pub async fn stop_hub(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Lets the hub listen, on the same ports as before.
    ///
    /// # Errors
    /// It does already, or a port cannot be had.
    pub fn start_hub(&mut self) -> Result<(), EnvironmentError> {
        if self.server.is_some() {
            return Err(EnvironmentError::Listening);
        }
        let hub = Arc::clone(&self.hub);
        let place = Place {
            address: self.settings.address,
            to_come: self.settings.address_to_come,
        };
        let server = HubServer::start(hub, place, self.ports, &self.certificate)?;
        self.ports = server.ports();
        self.server = Some(server);
        Ok(())
    }

    /// Ends the run: everything stops, sockets and certificate are removed. The event log is given back.
    pub async fn close(mut self) -> EventLog {
        self.stop_hub().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.hub.log().clone()
    }
}

/// Also when a run is given up halfway.
impl Drop for Environment {
    fn drop(&mut self) {
        self.stop.cancel();
        for path in &self.made {
            if let Err(problem) = std::fs::remove_file(path)
                && problem.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(?path, %problem, "cannot remove a file of a run");
            }
        }
    }
}

fn check(settings: &Settings) -> Result<(), EnvironmentError> {
    let device = &settings.device;
    let names = [
        ("hub", &device.hub, is_host(&device.hub)),
        ("gateway", &device.gateway, is_host(&device.gateway)),
        ("device", &device.device, is_id(&device.device)),
    ];
    let modules = settings
        .modules
        .iter()
        .map(|module| ("module", &module.name, is_id(&module.name)));
    if let Some((what, name, _)) = names.into_iter().chain(modules).find(|(_, _, fits)| !fits) {
        return Err(EnvironmentError::Name {
            what,
            name: name.clone(),
        });
    }
    let mut different: Vec<String> = settings
        .modules
        .iter()
        .map(|module| module.name.to_ascii_lowercase())
        .collect();
    different.sort();
    different.dedup();
    if different.len() != settings.modules.len() || !(1..=MODULES_MAX).contains(&different.len()) {
        return Err(EnvironmentError::Modules {
            found: different.len(),
        });
    }
    Ok(())
}

fn bind(path: &Path) -> Result<UnixListener, EnvironmentError> {
    let found = path.as_os_str().len();
    if found > SOCKET_PATH_BYTES_MAX {
        return Err(EnvironmentError::SocketPath {
            path: path.to_owned(),
            found,
        });
    }
    UnixListener::bind(path).map_err(|problem| of_file(path, problem))
}

/// Any user of a container may open the socket, as on a device: modules run as any user.
fn open_to_all(path: &Path) -> Result<(), EnvironmentError> {
    let permissions = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(path, permissions).map_err(|problem| of_file(path, problem))
}

/// Writes a file that is not there yet: another run may have one of this name.
fn write(path: &Path, text: &str) -> Result<(), EnvironmentError> {
    let mut file = std::fs::File::create_new(path).map_err(|problem| of_file(path, problem))?;
    file.write_all(text.as_bytes())
        .map_err(|problem| of_file(path, problem))
}

fn of_file(path: &Path, problem: io::Error) -> EnvironmentError {
    EnvironmentError::File {
        path: path.to_owned(),
        problem,
    }
}
