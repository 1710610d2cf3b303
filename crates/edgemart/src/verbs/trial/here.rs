//! Modules that no engine starts: a program as a plain process, or whatever a developer starts by hand, in a debugger or
//! with a compose file.

use std::net::IpAddr;

use certify::Observed;
use edge::hub::Ports;
use edge::identity::Device;
use edge::log::{Event, EventLog};
use edge::runner::{Board, Phase, Plan, Restart, together};
use edge::stage::Stage;
use edge::{Environment, Settings};
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::options::Options;
use super::page::Page;
use super::process::{Done, Program};
use super::screen::Screen;
use super::{compose, verdict};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Where the hub is, for modules on this machine or in a network of a compose file.
struct Place {
    address: IpAddr,
    gateway: String,
    to_come: bool,
}

impl Place {
    fn of(options: &Options) -> Self {
        match &options.compose {
            Some(_) => Self {
                address: compose::GATEWAY.into(),
                gateway: compose::GATEWAY_NAME.to_owned(),
                to_come: true,
            },
            None => Self {
                address: options.address,
                gateway: options.gateway.clone(),
                to_come: false,
            },
        }
    }
}

/// Starts the environment, and the program if there is one; waits for the end.
pub(super) async fn run(
    options: &Options,
    plans: &[Plan],
    images: &[String],
    global: &Global,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("edgemart-run-")
        .tempdir()
        .map_err(|e| Failure::new(Exit::Failure, "there is no folder for the run").why(e))?;
    let mut environment = start(&Place::of(options), plans, folder.path()).await?;
    let board = Board::default();
    for plan in plans {
        board.phase(&plan.module, Phase::ByHand);
    }
    let module = plans[0].module.clone();
    let page = Page::open(options, &environment, &board, plans).await?;
    if let Some(file) = &options.compose {
        compose::write(file, &environment, plans, images)?;
    } else if options.command.is_empty() {
        for plan in plans {
            introduce(&environment, &plan.module);
        }
    }
    let end = CancellationToken::new();
    let program = match options.command.is_empty() {
        true => None,
        false => {
            let own = &plans[0].variables;
            let program = Program::new(&options.command, own, &environment, &module, &board, &end);
            let restart = options.restart.map_or(Restart::Never, Restart::from);
            Some(tokio::spawn(program.begin(restart)?))
        }
    };
    let mut console = Console {
        screen: Screen::new(global.output),
        page,
        module: module.clone(),
        board,
        stop,
    };
    let began = std::time::Instant::now();
    let attended = console.attend(&mut environment).await;
    let connected = environment.hub().is_connected(&module);
    let watched_ms = super::millis(began.elapsed());
    end.cancel();
    let done = match program {
        Some(kept) => Some(kept.await.unwrap_or_default()),
        None => None,
    };
    let log = environment.close().await;
    console.close(&log).await?;
    let code = attended?;
    let entries = log.entries(0);
    for plan in plans {
        let stage = Stage::of(entries.iter().map(AsRef::as_ref), &plan.module);
        tell(&format!("{}: {}.", plan.module, stage.advice()));
    }
    if let Some(done) = done {
        let observed = observe(&log, &module, connected, watched_ms, done);
        let expected = plans[0].expected.clone();
        let report = verdict::judge(module, expected, observed)?;
        // A program that one plays with is not held to it.
        verdict::tell_of(&report, global.output)?;
    }
    match code {
        None | Some(0) => Ok(()),
        Some(code) => Err(super::ended_badly(code)),
    }
}

/// What the log and the process say, in the words of the rules.
fn observe(log: &EventLog, module: &str, connected: bool, watched_ms: u64, done: Done) -> Observed {
    let mut observed = Observed {
        stop: done.stop,
        ..Observed::default()
    };
    observed.first.watched_ms = watched_ms;
    observed.first.exit = done.code.map(|code| certify::behaviour::Exit {
        code: code.into(),
        after_ms: watched_ms,
        ..Default::default()
    });
    edge::runner::digest(log, module, &mut observed);
    let goodbye = log
        .entries(0)
        .into_iter()
        .rev()
        .find_map(|entry| match entry.event {
            Event::Disconnected { clean, .. } => Some(clean),
            _ => None,
        });
    if let Some(stop) = observed.stop.as_mut().filter(|_| connected) {
        stop.said_goodbye = goodbye;
    }
    observed
}

/// Starts the environment; without the right to port 443, without that port.
async fn start(
    place: &Place,
    plans: &[Plan],
    folder: &std::path::Path,
) -> Result<Environment, Failure> {
    let (mut routes, modules) = together(plans);
    if routes.is_empty() {
        routes.extend(super::everything_upstream());
    }
    let settings = Settings {
        device: Device {
            gateway: place.gateway.clone(),
            ..Device::default()
        },
        address: place.address,
        address_to_come: place.to_come,
        ports: Ports::default(),
        folder: folder.to_owned(),
        routes,
        modules,
        clock: jiff::Timestamp::now,
    };
    let started = Environment::start_as_allowed(settings).await;
    let (environment, without) = started.map_err(super::not_started)?;
    if let Some(problem) = without {
        tell(&format!(
            "No WebSocket and no methods between modules: {problem}."
        ));
    }
    Ok(environment)
}

/// How a module finds the environment, for whoever starts it by hand.
fn introduce(environment: &Environment, module: &str) {
    tell(&format!("Start {module} with these variables:"));
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
