//! The sample modules: one program, one module per name, so that one small static binary serves every sample image.
//!
//! The module is chosen by the name the program is started under (`/app/heartbeat`) or else by its first argument.
//! Every module starts with its defaults and takes settings from environment variables. On an IoT Edge device (the
//! IOTEDGE_* variables say so) it is a module of the hub: it sends to an output, takes messages from an input, follows
//! its twin and answers methods. Anywhere else it prints one JSON object a line on standard output. When `POST_URL` is
//! set, it posts the same lines over plain HTTP. It stops at once on SIGTERM.

mod context;
mod dial;
mod heartbeat;
mod hub;
mod intake;
mod json;
mod line_counter;
mod modbus;
mod modbus_simulator;
mod post;
mod settings;
mod signal;
mod sinks;
mod temperature_sensor;
mod threshold_filter;
mod time;
mod window_aggregator;

use context::Context;

/// What a module does between start and stop; an error is a setting or an address it cannot work with.
type Run = fn(&mut Context) -> Result<(), String>;

/// Every module of the program by the name of its image.
const MODULES: &[(&str, Run)] = &[
    ("temperature-sensor", temperature_sensor::run),
    ("threshold-filter", threshold_filter::run),
    ("window-aggregator", window_aggregator::run),
    ("file-store", sinks::file_store),
    ("http-forwarder", sinks::http_forwarder),
    ("heartbeat", heartbeat::run),
    ("modbus-simulator", modbus_simulator::run),
    ("line-counter", line_counter::run),
];

/// Exit code for a wrong setting or command line, as the edge agent shows it in the module's status.
const EXIT_USAGE: i32 = 2;

fn main() {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let own_name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let first = arguments.next();
    if first.as_deref() == Some("--list") {
        for (name, _) in MODULES {
            println!("{name}");
        }
        return;
    }
    let wanted = [Some(own_name), first];
    let found = wanted
        .iter()
        .flatten()
        .find_map(|name| MODULES.iter().find(|(known, _)| known == name));
    let Some((name, run)) = found else {
        let known: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "edge-samples: name a module as first argument: {}",
            known.join(", ")
        );
        std::process::exit(EXIT_USAGE);
    };
    let mut context = match Context::new(name) {
        Ok(context) => context,
        Err(reason) => fail(name, &reason),
    };
    if let Err(reason) = run(&mut context) {
        fail(name, &reason);
    }
    context.end();
}

fn fail(module: &str, reason: &str) -> ! {
    context::log_line(module, "error", reason);
    std::process::exit(EXIT_USAGE);
}
