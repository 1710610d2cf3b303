//! The body of ContainerCreate, as the agent would write it: createOptions through the allow-list, then the manifest's
//! variables, then the agent's own (fact sheet §1.1), and around it what keeps a stranger's module in its place.

use std::path::Path;

use rustix::process::{Resource, getrlimit};
use serde_json::{Map, Value, json};

use super::label::Label;
use super::plan::{Limits, Plan};
use super::{Image, Network};

/// Where a module finds its workload socket.
pub(super) const SOCKET: &str = "/var/run/iotedge/workload.sock";
/// Bytes of output that the engine keeps of a container.
const LOG_SIZE: &str = "1m";
/// Files and processes a module may have, unless this process itself may have fewer.
const FILES_MAX: u64 = 16_384;

/// How much a container is kept from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// As a device does that allows no elevated permissions: without changing owners or users.
    pub hardened: bool,
    /// The root cannot be written.
    pub read_only: bool,
}

/// What surrounds a container.
pub(super) struct Surroundings<'a> {
    pub(super) image: &'a Image,
    pub(super) network: &'a Network,
    pub(super) gateway_name: &'a str,
    pub(super) socket: &'a Path,
    /// The agent's variables.
    pub(super) injected: Vec<(&'static str, String)>,
    pub(super) label: &'a Label,
}

/// The body; and what of the createOptions was left out.
pub(super) fn body(
    plan: &Plan,
    around: &Surroundings<'_>,
    profile: Profile,
) -> (Value, Vec<String>) {
    let confined = plan.create_options.confined();
    let mut body = confined.members;
    let mut host = take_object(&mut body, "HostConfig");
    let mut labels = take_object(&mut body, "Labels");
    labels.extend(around.label.members());
    labels.insert(
        "net.azure-devices.edge.owner".into(),
        json!("Microsoft.Azure.Devices.Edge.Agent"),
    );
    labels.insert(
        "net.azure-devices.edge.original-image".into(),
        json!(plan.image),
    );
    let variables = variables(body.remove("Env"), plan, around);
    body.insert("Image".into(), json!(around.image.id));
    body.insert("Hostname".into(), json!(plan.module));
    body.insert("Env".into(), json!(variables));
    body.insert("Labels".into(), labels.into());
    limit(&mut host, &plan.limits);
    enclose(&mut host, around, profile);
    body.insert("HostConfig".into(), host.into());
    (body.into(), confined.left_out)
}

/// The variables in the agent's order; what comes later wins.
fn variables(own: Option<Value>, plan: &Plan, around: &Surroundings<'_>) -> Vec<String> {
    let own = own
        .and_then(|own| own.as_array().cloned())
        .unwrap_or_default();
    let own = own.iter().filter_map(Value::as_str).map(str::to_owned);
    let manifest = plan
        .variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let injected = around
        .injected
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    own.chain(manifest).chain(injected).collect()
}

/// The smaller of what the createOptions ask for and what is allowed.
fn limit(host: &mut Map<String, Value>, limits: &Limits) {
    let mut lower = |name: &str, most: u64| {
        let asked = host
            .get(name)
            .and_then(Value::as_u64)
            .filter(|asked| *asked > 0);
        let given = asked.unwrap_or(most).min(most);
        host.insert(name.to_owned(), json!(given));
        given
    };
    let memory = lower("Memory", limits.memory_bytes_max);
    lower("NanoCpus", limits.nano_cpus_max);
    lower("PidsLimit", limits.processes_max);
    // No swap: what is over the limit is over.
    host.insert("MemorySwap".into(), json!(memory));
    // These cannot stand beside NanoCpus, which says the same.
    for name in ["CpuPeriod", "CpuQuota", "MemoryReservation"] {
        host.remove(name);
    }
}

fn enclose(host: &mut Map<String, Value>, around: &Surroundings<'_>, profile: Profile) {
    let mut dropped = match host.remove("CapDrop") {
        Some(Value::Array(dropped)) => dropped,
        _ => Vec::new(),
    };
    if profile.hardened {
        dropped.extend([json!("CHOWN"), json!("SETUID")]);
    }
    let gateway = around.network.gateway;
    let files = getrlimit(Resource::Nofile)
        .maximum
        .unwrap_or(FILES_MAX)
        .min(FILES_MAX);
    let processes = getrlimit(Resource::Nproc)
        .maximum
        .unwrap_or(FILES_MAX)
        .min(FILES_MAX);
    let same = |name: &str, most: u64| json!({"Name": name, "Soft": most, "Hard": most});
    let enclosing = json!({
        "Privileged": false,
        "CapDrop": dropped,
        "SecurityOpt": ["no-new-privileges"],
        "NetworkMode": around.network.name,
        "ExtraHosts": [format!("{}:{gateway}", around.gateway_name)],
        "Dns": [gateway.to_string()],
        "DnsOptions": ["timeout:2", "attempts:1"],
        // No suffix of this machine's: a name asked for is the name that is meant.
        "DnsSearch": ["."],
        "Binds": [format!("{}:{SOCKET}", around.socket.display())],
        "RestartPolicy": {"Name": "no"},
        // Without these Podman asks for more than this process may hand on.
        "Ulimits": [same("nofile", files), same("nproc", processes)],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_SIZE}},
    });
    host.extend(enclosing.as_object().cloned().unwrap_or_default());
    if profile.read_only {
        host.insert("ReadonlyRootfs".into(), json!(true));
    }
}

fn take_object(body: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match body.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use domain::behaviour::Expected;
    use domain::create_options::CreateOptions;

    use super::*;
    use crate::runner::Pace;

    fn made(create_options: &Value, profile: Profile) -> (Value, Vec<String>) {
        let plan = Plan {
            module: "m".into(),
            image: "contoso/m:1".into(),
            compressed_bytes: None,
            routes: Vec::new(),
            desired: Map::new(),
            variables: vec![("B".into(), "2".into())],
            create_options: CreateOptions::parse(&create_options.to_string()).expect("an object"),
            expected: Expected::default(),
            feeds: Vec::new(),
            calls: Vec::new(),
            limits: Limits::default(),
            pace: Pace::default(),
        };
        let around = Surroundings {
            image: &Image {
                id: "sha256:1".into(),
                platform: "linux/amd64".into(),
                architecture: "amd64".into(),
                unpacked_bytes: 1,
            },
            network: &Network {
                name: "run".into(),
                gateway: Ipv4Addr::new(10, 9, 0, 1).into(),
            },
            gateway_name: "edgehub",
            socket: Path::new("/run/1/m.sock"),
            injected: vec![("IOTEDGE_MODULEID", "m".into())],
            label: &Label::own(),
        };
        body(&plan, &around, profile)
    }

    #[test]
    fn variables_come_in_the_agents_order() {
        let (body, _) = made(&json!({"Env": ["A=1"]}), Profile::default());
        assert_eq!(body["Env"], json!(["A=1", "B=2", "IOTEDGE_MODULEID=m"]));
    }

    #[test]
    fn limits_can_only_be_lowered() {
        let asks = json!({"HostConfig": {"Memory": 1_000_000, "PidsLimit": -1, "NanoCpus": 9_000_000_000_u64, "CpuQuota": 5}});
        let (body, _) = made(&asks, Profile::default());
        let host = &body["HostConfig"];
        assert_eq!(host["Memory"], 1_000_000);
        assert_eq!(host["MemorySwap"], 1_000_000);
        assert_eq!(host["PidsLimit"], Limits::default().processes_max);
        assert_eq!(host["NanoCpus"], Limits::default().nano_cpus_max);
        assert!(host.get("CpuQuota").is_none());
    }

    #[test]
    fn nothing_asked_for_loosens_the_enclosure() {
        let asks = json!({
            "User": "0", "NetworkingConfig": {"EndpointsConfig": {"host": {}}},
            "HostConfig": {
                "Privileged": true, "NetworkMode": "host", "Binds": ["/:/host"], "SecurityOpt": ["seccomp=unconfined"],
                "CapDrop": ["NET_RAW"], "ReadonlyRootfs": false, "RestartPolicy": {"Name": "always"},
            },
        });
        let strict = Profile {
            hardened: true,
            read_only: true,
        };
        let (body, left_out) = made(&asks, strict);
        let host = &body["HostConfig"];
        assert_eq!(host["Privileged"], false);
        assert_eq!(host["NetworkMode"], "run");
        assert_eq!(host["Binds"], json!([format!("/run/1/m.sock:{SOCKET}")]));
        assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
        assert_eq!(host["CapDrop"], json!(["NET_RAW", "CHOWN", "SETUID"]));
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!(host["RestartPolicy"]["Name"], "no");
        assert_eq!(body["Volumes"], json!({"/host": {}}));
        assert!(body.get("NetworkingConfig").is_none());
        assert_eq!(left_out.len(), 6, "{left_out:?}");
    }
}
