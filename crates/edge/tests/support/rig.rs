//! An environment and a module's program in it, inside a test's own network.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use edge::hub::Ports;
use edge::identity::Device;
use edge::log::{Entry, Event};
use edge::message::{Message, Source};
use edge::topic::Properties;
use edge::{Environment, ModuleSettings, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::sdk;

/// How long a test waits for something to happen before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Which SDK a program is written against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    Node,
}

/// A program, and how it is to behave.
pub(crate) struct Program {
    pub(crate) sdk: Sdk,
    pub(crate) file: &'static str,
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// An environment with modules `m` and `other`, and the module's process.
pub(crate) struct Rig {
    pub(crate) environment: Environment,
    pub(crate) process: Child,
    folder: TempDir,
}

impl Rig {
    /// Starts an environment on the real ports, and the program as module `m`.
    pub(crate) async fn start(program: &Program) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let desired = json!({"start": {"interval": 5}});
        let module = |name: &str| ModuleSettings {
            name: name.into(),
            desired: desired.as_object().cloned().unwrap_or_default(),
        };
        let environment = Environment::start(Settings {
            device: Device::default(),
            address: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::default(),
            folder: folder.path().to_owned(),
            routes: BTreeMap::from([(
                "up".to_owned(),
                "FROM /messages/modules/m/outputs/* WHERE $body.n > 0 OR is_defined($body.input) INTO $upstream"
                    .to_owned(),
            )]),
            modules: vec![module("m"), module("other")],
            address_to_come: false,
            clock: jiff::Timestamp::now,
        })
        .await
        .expect("an environment on the ports of the SDKs");
        let process = spawn(&environment, program, "m", &folder);
        Self {
            environment,
            process,
            folder,
        }
    }

    /// Starts another program as module `other`.
    pub(crate) fn start_other(&self, program: &Program) -> Child {
        spawn(&self.environment, program, "other", &self.folder)
    }

    /// Waits for an event of module `m`, from a number on.
    pub(crate) async fn wait(
        &self,
        from: u64,
        what: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> Entry {
        let of_m = |entry: &Entry| {
            entry.module.as_deref().is_none_or(|module| module == "m") && wanted(&entry.event)
        };
        match self.environment.log().wait_for(from, PATIENCE, of_m).await {
            Some(entry) => (*entry).clone(),
            None => panic!(
                "{what} did not happen. The log:\n{}\nThe module said:\n{}",
                self.environment.log().json_lines(),
                self.said()
            ),
        }
    }

    /// What the programs printed.
    pub(crate) fn said(&self) -> String {
        ["m", "other"]
            .map(|name| {
                std::fs::read_to_string(self.folder.path().join(format!("{name}.out")))
                    .unwrap_or_default()
            })
            .join("\n")
    }

    /// The number the next event will have, or less.
    pub(crate) fn mark(&self) -> u64 {
        let entries = self.environment.log().entries(0);
        entries.last().map_or(0, |entry| entry.number + 1)
    }

    /// Calls a method of `m`.
    pub(crate) async fn call(&self, method: &str, payload: &Value) -> (i64, Value) {
        let hub = self.environment.hub();
        let answer = hub
            .call_method("m", method, payload, Duration::from_secs(20))
            .await;
        let answer = answer.unwrap_or_else(|problem| {
            panic!(
                "{method}: {problem}\n{}\n{}",
                self.environment.log().json_lines(),
                self.said()
            )
        });
        (answer.status, answer.value())
    }

    /// Puts a message before an input of `m`.
    pub(crate) fn feed(&self, input: &str, value: &Value) {
        let message = Message {
            source: Source::Module {
                module: "feeder".into(),
                output: None,
            },
            properties: Properties::default()
                .with("p q", "r/s")
                .with_system("contentType", "application/json")
                .with_system("contentEncoding", "utf-8"),
            payload: Bytes::from(value.to_string()),
        };
        self.environment
            .hub()
            .send_input("m", input, &message)
            .expect("taken");
    }

    /// Changes a desired property of `m`.
    pub(crate) fn desire(&self, patch: &Value) {
        let patch = patch.as_object().expect("an object");
        let changed = self.environment.hub().change_desired("m", patch);
        changed.expect("known").expect("within limits");
    }

    /// SIGTERM, as a container engine stops a module; gives its exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let id = self.process.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "kill -TERM {id}");
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        ended.expect("it stops").expect("it ends").code()
    }
}

fn spawn(environment: &Environment, program: &Program, name: &str, folder: &TempDir) -> Child {
    let file = sdk::programs().join(program.file);
    // Nothing of this machine's own set-up shall reach the module.
    let command = |interpreter: &std::path::Path| {
        let mut command = Command::new(interpreter);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    };
    let mut command = match program.sdk {
        Sdk::Python => command(&sdk::python()),
        Sdk::Node => {
            let mut node = command(std::path::Path::new("node"));
            node.env("NODE_PATH", sdk::node_modules());
            node
        }
    };
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = std::fs::File::create(folder.path().join(format!("{name}.out"))).expect("a file");
    let socket = environment.socket_path(name);
    command
        .arg(file)
        .envs(
            environment
                .variables(name, &socket)
                .expect("a module of the run"),
        )
        .envs(program.variables.iter().map(|(key, value)| (*key, value)))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts")
}
