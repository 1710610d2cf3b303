//! `edgemart try`: an IoT Edge environment on this machine, and a module in it: as a plain process, or in a container
//! ([`contained`]).
//!
//! Events go to stdout, for people or as JSON lines, and at the end the verdict of the rules; what one types goes to a
//! plain process (see [`order`]).

mod contained;
mod order;
mod process;
mod verdict;
mod view;

use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _};
use std::net::IpAddr;

use edge::hub::{Ports, ServerError};
use edge::identity::Device;
use edge::log::Entry;
use edge::stage::Stage;
use edge::{Environment, EnvironmentError, ModuleSettings, Settings};
use serde_json::{Map, Value};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::context::Global;
use super::failure::{Exit, Failure, tell};
use super::output::{Format, put};
use process::Process;

/// Bytes of a line that is typed; a longer one is read as several.
const LINE_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart try contoso/sensor:1.0 --output-name temperature\n  edgemart try -- python3 main.py\n  edgemart try --route 'FROM /messages/* INTO $upstream' --desired '{\"interval\": 1}'",
    after_help = "An image is started in a container, taken through the steps of a certification, and judged. While a program\nruns, type `help` for what can be done to the module: messages to its inputs, desired\nproperties, methods, an outage of the hub. Without a command, set the variables that it prints and\nstart the module yourself, in a debugger for instance."
)]
pub(crate) struct Try {
    /// An image to run in a container: a name the engine knows or can pull, or an archive of one.
    #[arg(conflicts_with = "command")]
    image: Option<String>,
    /// Module id.
    #[arg(long, default_value = "module1")]
    name: String,
    /// A route; may be given several times. Without one, everything goes to $upstream.
    #[arg(long = "route", value_name = "ROUTE")]
    routes: Vec<String>,
    /// Desired properties the module begins with: JSON, or @FILE.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    desired: String,
    /// Address the hub listens on.
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// Name by which the module reaches that address.
    #[arg(long, default_value = "localhost")]
    gateway: String,
    #[command(flatten)]
    contained: contained::Contained,
    /// Program to start as the module, with its arguments.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Try {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match &self.image {
            Some(image) => contained::run(&self, image, global).await,
            None => self.run_here(global).await,
        }
    }

    /// The module as a plain process, or started by somebody else.
    async fn run_here(&self, global: &Global) -> Result<(), Failure> {
        let folder = tempfile::tempdir()
            .map_err(|e| Failure::new(Exit::Failure, "there is no folder for the run").why(e))?;
        let mut environment = self.start(folder.path()).await?;
        let mut process = match self.command.split_first() {
            Some((program, arguments)) => Some(Process::start(
                program,
                arguments,
                &environment,
                &self.name,
            )?),
            None => {
                introduce(&environment, &self.name);
                None
            }
        };
        let mut screen = Screen::new(global.output);
        let began = Instant::now();
        let ended = watch(&mut environment, &self.name, &mut process, &mut screen).await;
        let mut observed = certify::Observed::default();
        observed.first.watched_ms = millis(began.elapsed());
        if let Ok(Some(code)) = &ended {
            observed.first.exit = Some(certify::behaviour::Exit {
                code: (*code).into(),
                after_ms: observed.first.watched_ms,
                ..Default::default()
            });
        }
        let connected = environment.hub().is_connected(&self.name);
        if let Some(process) = process {
            observed.stop = Some(process.stop().await);
        }
        let log = environment.close().await;
        let entries = log.entries(0);
        for entry in &entries {
            screen.show(entry)?;
        }
        let stage = Stage::of(entries.iter().map(AsRef::as_ref), &self.name);
        tell(&format!("{}: {}.", self.name, stage.advice()));
        self.judge(&log, connected, observed, global.output)?;
        match ended? {
            None | Some(0) => Ok(()),
            Some(code) => Err(ended_badly(code)),
        }
    }

    /// The verdict on what was seen; a program that one plays with is not held to it.
    fn judge(
        &self,
        log: &edge::log::EventLog,
        connected: bool,
        mut observed: certify::Observed,
        format: Format,
    ) -> Result<(), Failure> {
        edge::runner::digest(log, &self.name, &mut observed);
        let goodbye = log
            .entries(0)
            .into_iter()
            .rev()
            .find_map(|entry| match entry.event {
                edge::log::Event::Disconnected { clean, .. } => Some(clean),
                _ => None,
            });
        if let Some(stop) = observed.stop.as_mut().filter(|_| connected) {
            stop.said_goodbye = goodbye;
        }
        let expected = self.contained.expected(&desired(&self.desired)?);
        let report = verdict::judge(self.name.clone(), expected, observed)?;
        verdict::tell_of(&report, format)
    }

    /// Starts the environment; without the right to port 443, without that port.
    async fn start(&self, folder: &std::path::Path) -> Result<Environment, Failure> {
        let mut settings = self.settings(folder)?;
        let started = Environment::start(settings.clone()).await;
        let started = match started {
            Err(EnvironmentError::Server(ServerError::Listen { address, problem }))
                if address.port() == 443 =>
            {
                tell(&format!(
                    "No WebSocket and no methods between modules: port 443 cannot be had ({problem})."
                ));
                settings.ports.https = None;
                Environment::start(settings).await
            }
            other => other,
        };
        started.map_err(not_started)
    }

    fn settings(&self, folder: &std::path::Path) -> Result<Settings, Failure> {
        Ok(Settings {
            device: Device {
                gateway: self.gateway.clone(),
                ..Device::default()
            },
            address: self.address,
            ports: Ports::default(),
            folder: folder.to_owned(),
            routes: routes(&self.routes),
            modules: vec![ModuleSettings {
                name: self.name.clone(),
                desired: desired(&self.desired)?,
            }],
            address_to_come: false,
            clock: jiff::Timestamp::now,
        })
    }
}

/// Routes with names; without any, everything goes to the cloud.
fn routes(given: &[String]) -> BTreeMap<String, String> {
    let mut routes: BTreeMap<String, String> = (1..)
        .map(|number: usize| format!("route{number}"))
        .zip(given.iter().cloned())
        .collect();
    if routes.is_empty() {
        routes.insert("upstream".into(), "FROM /messages/* INTO $upstream".into());
    }
    routes
}

/// Lines from stdin. They are read on a thread of their own, which nobody waits for at the end.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = String::new();
            match stdin.by_ref().take(LINE_BYTES_MAX).read_line(&mut line) {
                Ok(1..) if sender.blocking_send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    receiver
}

fn not_started(problem: EnvironmentError) -> Failure {
    let exit = match problem {
        EnvironmentError::Server(_) => Exit::Conflict,
        EnvironmentError::Name { .. }
        | EnvironmentError::Desired { .. }
        | EnvironmentError::Routing(_) => Exit::Invalid,
        _ => Exit::Failure,
    };
    Failure::new(exit, "the environment does not start").why(problem)
}

/// Shows events and does what is typed, until the module ends, or Ctrl-C, or `quit`. Gives the exit code of a module
/// that ended by itself; a signal counts as code 128 and its number.
async fn watch(
    environment: &mut Environment,
    module: &str,
    process: &mut Option<Process>,
    screen: &mut Screen,
) -> Result<Option<i32>, Failure> {
    let mut events = environment.log().listen();
    for entry in environment.log().entries(0) {
        screen.show(&entry)?;
    }
    let mut lines = typed();
    let mut typing = true;
    let mut back_at = None;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(entry) => screen.show(&entry)?,
                Err(RecvError::Lagged(missed)) => tell(&format!("({missed} events not shown: too many at once)")),
                Err(RecvError::Closed) => return Ok(None),
            },
            line = lines.recv(), if typing => match line.map(|line| order::obey(&line, environment, module)) {
                Some(order::Then::GoOn) => {}
                Some(order::Then::Quit) => return Ok(None),
                Some(order::Then::Outage(length)) => {
                    environment.stop_hub().await;
                    back_at = Some(Instant::now() + length);
                }
                // Nobody types any more; the module goes on.
                None => typing = false,
            },
            () = sleep_until(back_at.unwrap_or_else(Instant::now)), if back_at.is_some() => {
                back_at = None;
                environment.start_hub().map_err(not_started)?;
            }
            status = Process::ended(process) => {
                *process = None;
                return Ok(Some(status));
            }
            stopped = tokio::signal::ctrl_c() => {
                return stopped
                    .map(|()| None)
                    .map_err(|e| Failure::new(Exit::Failure, "Ctrl-C cannot be waited for").why(e));
            }
        }
    }
}

fn ended_badly(code: i32) -> Failure {
    Failure::new(Exit::Failure, format!("the module ended with code {code}"))
        .fix("look at what it printed above; an edge module runs until it is told to stop")
}

/// Where events go, each once.
struct Screen {
    format: Format,
    /// Number of the last event shown.
    shown: u64,
}

impl Screen {
    fn new(format: Format) -> Self {
        Self { format, shown: 0 }
    }

    fn show(&mut self, entry: &Entry) -> Result<(), Failure> {
        if entry.number <= self.shown {
            return Ok(());
        }
        self.shown = entry.number;
        match self.format {
            Format::Table => put(&view::line(entry)),
            Format::Json | Format::Yaml => {
                let line = serde_json::to_string(entry).map_err(|e| {
                    Failure::new(Exit::Failure, "an event cannot be written").why(e)
                })?;
                put(&format!("{line}\n"))
            }
        }
    }
}

/// How a module finds the environment, for whoever starts it by hand.
fn introduce(environment: &Environment, module: &str) {
    tell("Start the module with these variables:");
    let socket = environment.socket_path(module);
    for (name, value) in environment.variables(module, &socket).unwrap_or_default() {
        tell(&format!("  export {name}='{value}'"));
    }
    tell("or, in a debugger or without the socket, with these:");
    if let Some(text) = environment.connection_string(module) {
        tell(&format!("  export EdgeHubConnectionString='{text}'"));
    }
    tell(&format!(
        "  export EdgeModuleCACertificateFile='{}'",
        environment.ca_file().display()
    ));
}

/// The text, or what is in the file of `@FILE`.
fn from_file(text: &str) -> Result<String, Failure> {
    match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Failure::new(Exit::NotFound, format!("{path} cannot be read")).why(e)),
        None => Ok(text.to_owned()),
    }
}

/// Milliseconds of a length of time.
fn millis(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// JSON, or `@FILE` with it.
fn desired(text: &str) -> Result<Map<String, Value>, Failure> {
    let read = from_file(text)?;
    serde_json::from_str(&read).map_err(|e| {
        Failure::new(Exit::Invalid, "the desired properties are no JSON object")
            .why(e)
            .fix("write --desired '{\"interval\": 5}', or --desired @FILE")
    })
}
