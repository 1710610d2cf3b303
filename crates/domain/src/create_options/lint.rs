//! Habits in createOptions that start a container and still surprise their author.

use serde_json::Value;

use super::{CreateOptions, EDGE_HUB_PORTS, escape};
use crate::violation::Level;

/// A remark on createOptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Whether the module cannot start, or merely surprises.
    pub level: Level,
    /// Where, as a JSON pointer into createOptions.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Members of Docker's ContainerCreate body (Engine API v1.41).
const MEMBERS: [&str; 28] = [
    "ArgsEscaped",
    "AttachStderr",
    "AttachStdin",
    "AttachStdout",
    "Cmd",
    "Domainname",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "HostConfig",
    "Hostname",
    "Image",
    "Labels",
    "MacAddress",
    "Name",
    "NetworkDisabled",
    "NetworkingConfig",
    "OnBuild",
    "OpenStdin",
    "Shell",
    "StdinOnce",
    "StopSignal",
    "StopTimeout",
    "Tty",
    "User",
    "Volumes",
    "WorkingDir",
];

/// Remarks on createOptions by themselves; collisions with other modules are a deployment's.
pub fn lint(options: &CreateOptions) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut remark = |level, pointer: String, what: String, fix: &str| {
        remarks.push(Remark {
            level,
            pointer,
            what,
            fix: fix.to_owned(),
        });
    };
    for (key, value) in options.members() {
        let pointer = format!("/{}", escape(key));
        if !MEMBERS.iter().any(|known| key.eq_ignore_ascii_case(known)) {
            let fix = "check the spelling against Docker's ContainerCreate; most settings belong into HostConfig";
            let what = format!("{key} is no member of a container's create request");
            remark(Level::Warning, pointer, what, fix);
        } else if key.eq_ignore_ascii_case("Image") {
            let what = "the image here is ignored: the agent takes the module's own".to_owned();
            remark(Level::Warning, pointer, what, "remove it");
        } else if key.eq_ignore_ascii_case("Env") {
            for (index, name) in variables(value) {
                let pointer = format!("{pointer}/{index}");
                if name.to_ascii_uppercase().starts_with("IOTEDGE_") {
                    let what = format!("{name} is set by the edge agent");
                    remark(Level::Error, pointer, what, "remove it");
                } else {
                    let what = format!("{name} here wins over the module's own env");
                    let fix = "move it to the environment variables of the module";
                    remark(Level::Warning, pointer, what, fix);
                }
            }
        }
    }
    let (ports, problems) = options.host_ports();
    for problem in problems {
        let fix = "write {\"5012/tcp\":[{\"HostPort\":\"5012\"}]}";
        remark(Level::Error, problem.pointer, problem.what, fix);
    }
    for (index, port) in ports.iter().enumerate() {
        if ports[..index].iter().any(|other| other.collides(port)) {
            let what = format!("host port {}/{} is bound twice", port.port, port.protocol);
            remark(Level::Error, port.pointer.clone(), what, "bind it once");
        }
        if port.protocol == "tcp" && EDGE_HUB_PORTS.contains(&port.port) {
            let what = format!("host port {} is usually the edge hub's", port.port);
            let fix = "choose another host port";
            remark(Level::Warning, port.pointer.clone(), what, fix);
        }
    }
    remarks
}

fn variables(value: &Value) -> impl Iterator<Item = (usize, &str)> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, item)| {
            let text = item.as_str()?;
            Some((index, text.split_once('=').map_or(text, |(name, _)| name)))
        })
}
