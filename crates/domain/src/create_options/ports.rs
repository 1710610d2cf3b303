//! Host ports in createOptions: `HostConfig.PortBindings`.
//!
//! Left out: ports of containers in the host's network, which no document tells.

use serde_json::{Map, Value};

use super::{escape, host_config};

/// Ports that the edge hub usually takes on the host (domain fact sheet §12.6).
pub const EDGE_HUB_PORTS: [u16; 3] = [443, 5671, 8883];

/// Host ports one module may take; a range counts each of its ports.
pub const HOST_PORTS_MAX: usize = 256;

/// A port of the host that a module takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// The port.
    pub port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// The host's address it is bound to; empty for all.
    pub address: String,
    /// Where it is written, as a JSON pointer into createOptions.
    pub pointer: String,
}

/// A binding that names no port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortProblem {
    /// Where it is written, as a JSON pointer into createOptions.
    pub pointer: String,
    /// What is wrong with it.
    pub what: String,
}

impl HostPort {
    /// Whether the host cannot give both: same port and protocol, and an address in common.
    pub fn collides(&self, other: &Self) -> bool {
        let everywhere = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
        self.port == other.port
            && self.protocol == other.protocol
            && (self.address == other.address
                || everywhere(&self.address)
                || everywhere(&other.address))
    }
}

pub(super) fn host_ports(members: &Map<String, Value>) -> (Vec<HostPort>, Vec<PortProblem>) {
    let (mut ports, mut problems) = (Vec::new(), Vec::new());
    for (pointer, bindings) in host_config(members, "PortBindings") {
        match bindings {
            Value::Object(bindings) => {
                for (container, hosts) in bindings {
                    let pointer = format!("{pointer}/{}", escape(container));
                    read_binding(&pointer, container, hosts, &mut ports, &mut problems);
                }
            }
            Value::Null => {}
            _ => problems.push(PortProblem {
                pointer,
                what: "PortBindings is an object such as {\"5012/tcp\":[{\"HostPort\":\"5012\"}]}"
                    .into(),
            }),
        }
    }
    (ports, problems)
}

fn read_binding(
    pointer: &str,
    container: &str,
    hosts: &Value,
    ports: &mut Vec<HostPort>,
    problems: &mut Vec<PortProblem>,
) {
    let (range, protocol) = container.split_once('/').unwrap_or((container, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if span_of(range).is_none() || !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        problems.push(PortProblem {
            pointer: pointer.to_owned(),
            what: format!("{container:?} is no container port such as \"5012/tcp\""),
        });
        return;
    }
    let Some(hosts) = hosts.as_array() else {
        if !hosts.is_null() {
            problems.push(PortProblem {
                pointer: pointer.to_owned(),
                what: "a list such as [{\"HostPort\":\"5012\"}] is wanted".into(),
            });
        }
        return;
    };
    for (index, host) in hosts.iter().enumerate() {
        let field = |name: &str| {
            host.as_object()
                .into_iter()
                .flatten()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let Some((key, port)) = field("HostPort") else {
            continue; // Without a host port the engine picks a free one.
        };
        let pointer = format!("{pointer}/{index}/{key}");
        let text = match port {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let address = field("HostIp").and_then(|(_, address)| address.as_str());
        match span_of(&text) {
            Some((first, last)) if ports.len() + usize::from(last - first) >= HOST_PORTS_MAX => {
                problems.push(PortProblem {
                    pointer,
                    what: format!("more than {HOST_PORTS_MAX} host ports; publish fewer"),
                });
            }
            Some((first, last)) => ports.extend((first..=last).map(|port| HostPort {
                port,
                protocol: protocol.clone(),
                address: address.unwrap_or_default().to_owned(),
                pointer: pointer.clone(),
            })),
            None if port.as_str() == Some("") => {}
            None => problems.push(PortProblem {
                pointer,
                what: format!("{port} is no port from 1 to 65535"),
            }),
        }
    }
}

/// `5012` or `5000-5010`.
fn span_of(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some((first, last))
}
