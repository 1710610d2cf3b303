//! An environment on this machine: prints how a module finds it, then every event, until Ctrl-C.
//!
//! `cargo run -p edge --example environment -- FOLDER [MODULE [quiet]]`. The SDKs connect to port 8883 of the gateway's
//! name, here `localhost`. Quiet, it prints no events: for measurements.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use edge::hub::Ports;
use edge::identity::Device;
use edge::{Environment, ModuleSettings, Settings};
use tokio::sync::broadcast::error::RecvError;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("which folder? it takes the sockets of the run")?;
    let module = arguments.next().unwrap_or_else(|| "module1".into());
    let quiet = arguments.next().is_some_and(|word| word == "quiet");
    let folder = PathBuf::from(folder).canonicalize()?;
    let environment = Environment::start(Settings {
        device: Device {
            gateway: "localhost".into(),
            ..Device::default()
        },
        address: Ipv4Addr::LOCALHOST.into(),
        ports: Ports::default(),
        folder,
        routes: BTreeMap::from([("all".into(), "FROM /messages/* INTO $upstream".into())]),
        modules: vec![ModuleSettings {
            name: module.clone(),
            desired: serde_json::Map::new(),
        }],
        address_to_come: false,
        clock: jiff::Timestamp::now,
    })
    .await?;
    let socket = environment.socket_path(&module);
    for (name, value) in environment.variables(&module, &socket).unwrap_or_default() {
        println!("export {name}={value:?}");
    }
    println!("# or, without the socket:");
    if let Some(text) = environment.connection_string(&module) {
        println!("# export EdgeHubConnectionString={text:?}");
    }
    println!(
        "# export EdgeModuleCACertificateFile={}",
        environment.ca_file().display()
    );
    if quiet {
        tokio::signal::ctrl_c().await?;
    } else {
        print_events(&environment).await?;
    }
    environment.close().await;
    Ok(())
}

/// Prints events until Ctrl-C; what comes too fast is counted.
async fn print_events(environment: &Environment) -> Result<(), Box<dyn Error>> {
    let mut events = environment.log().listen();
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
            event = events.recv() => match event {
                Ok(entry) => println!("{}", serde_json::to_string(&*entry)?),
                Err(RecvError::Lagged(missed)) => println!("# {missed} events not shown"),
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
