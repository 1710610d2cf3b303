//! The body of ContainerCreate, as the agent would write it: createOptions through the allow-list, then the manifest's
//! variables, then the agent's own (fact sheet §1.1), and around it what keeps a stranger's module in its place.

use std::path::Path;

use domain::behaviour::LeftOut;
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
/// Folders that Podman keeps writable under a root that cannot be written.
const KEPT_WRITABLE: [&str; 3] = ["/run", "/tmp", "/var/tmp"];

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
    /// The engine is Podman.
    pub(super) podman: bool,
    /// An emulator runs it, which takes memory of its own.
    pub(super) emulated: bool,
}

/// What of the createOptions a module does not get, or gets less of.
pub(super) fn left_out(plan: &Plan) -> Vec<LeftOut> {
    let confined = plan.create_options.confined();
    let host = confined.members.get("HostConfig");
    let lowered = |name: &str, most: u64, weighs: bool| {
        let asked = host?.get(name)?.as_u64().filter(|asked| *asked > most)?;
        let what = format!("/HostConfig/{name}: {most} instead of {asked}");
        Some(LeftOut { what, weighs })
    };
    let limits = &plan.limits;
    let lowered = [
        lowered("Memory", limits.memory_bytes_max, true),
        lowered("NanoCpus", limits.nano_cpus_max, false),
        lowered("PidsLimit", limits.processes_max, true),
    ];
    let lowered = lowered.into_iter().flatten();
    confined.left_out.into_iter().chain(lowered).collect()
}

/// The body; what it leaves out is told by [`left_out`].
pub(super) fn body(plan: &Plan, around: &Surroundings<'_>, profile: Profile) -> Value {
    let mut body = plan.create_options.confined().members;
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
    if around.emulated {
        host.remove("Memory");
    }
    limit(&mut host, &plan.limits);
    enclose(&mut host, around, profile);
    if around.podman && host.get("ReadonlyRootfs") == Some(&json!(true)) {
        keep_read_only(&mut host, body.get("Volumes"), &around.image.volumes);
    }
    body.insert("HostConfig".into(), host.into());
    body.into()
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

/// Podman puts writable folders over a root that cannot be written, Docker and so the agent of a device does not: there
/// such a folder is what the image has at that place, unless somebody asked for it to be writable.
fn keep_read_only(host: &mut Map<String, Value>, volumes: Option<&Value>, of_image: &[String]) {
    let mut tmpfs = take_object(host, "Tmpfs");
    let volumes = volumes.and_then(Value::as_object).into_iter();
    let asked: Vec<String> = volumes
        .flat_map(Map::keys)
        .chain(of_image)
        .chain(tmpfs.keys())
        .map(|folder| folder.trim_end_matches('/').to_owned())
        .collect();
    for folder in KEPT_WRITABLE {
        if !asked.iter().any(|asked| asked == folder) {
            // Podman copies what the image has there.
            tmpfs.insert(folder.to_owned(), json!("ro,exec"));
        }
    }
    host.insert("Tmpfs".into(), tmpfs.into());
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

    use domain::create_options::CreateOptions;

    use super::*;
    use crate::runner::plain;

    fn plan(create_options: &Value) -> Plan {
        Plan {
            image: "contoso/m:1".into(),
            variables: vec![("B".into(), "2".into())],
            create_options: CreateOptions::parse(&create_options.to_string()).expect("an object"),
            ..plain("m")
        }
    }

    fn made(create_options: &Value, profile: Profile) -> Value {
        made_by(create_options, profile, |_| {})
    }

    fn made_by(
        create_options: &Value,
        profile: Profile,
        change: impl FnOnce(&mut Surroundings<'_>),
    ) -> Value {
        let mut around = Surroundings {
            image: &Image {
                id: "sha256:1".into(),
                platform: "linux/amd64".into(),
                architecture: "amd64".into(),
                unpacked_bytes: 1,
                volumes: vec!["/var/tmp/".into()],
            },
            network: &Network {
                name: "run".into(),
                gateway: Ipv4Addr::new(10, 9, 0, 1).into(),
            },
            gateway_name: "edgehub",
            socket: Path::new("/run/1/m.sock"),
            injected: vec![("IOTEDGE_MODULEID", "m".into())],
            label: &Label::own(),
            podman: false,
            emulated: false,
        };
        change(&mut around);
        body(&plan(create_options), &around, profile)
    }

    #[test]
    fn variables_come_in_the_agents_order() {
        let body = made(&json!({"Env": ["A=1"]}), Profile::default());
        assert_eq!(body["Env"], json!(["A=1", "B=2", "IOTEDGE_MODULEID=m"]));
    }

    #[test]
    fn limits_can_only_be_lowered() {
        let asks = json!({"HostConfig": {"Memory": 1_000_000, "PidsLimit": -1, "NanoCpus": 9_000_000_000_u64, "CpuQuota": 5}});
        let body = made(&asks, Profile::default());
        let host = &body["HostConfig"];
        assert_eq!(host["Memory"], 1_000_000);
        assert_eq!(host["MemorySwap"], 1_000_000);
        assert_eq!(host["PidsLimit"], Limits::default().processes_max);
        assert_eq!(host["NanoCpus"], Limits::default().nano_cpus_max);
        assert!(host.get("CpuQuota").is_none());
        let emulated = made_by(&asks, Profile::default(), |around| around.emulated = true);
        let given = &emulated["HostConfig"]["Memory"];
        assert_eq!(*given, Limits::default().memory_bytes_max);
    }

    #[test]
    fn what_is_given_less_of_is_told() {
        let asks = json!({"HostConfig": {"Memory": 1 << 30, "PidsLimit": 999, "NanoCpus": 9_000_000_000_u64}});
        let told: Vec<(String, bool)> = left_out(&plan(&asks))
            .into_iter()
            .map(|left| (left.what, left.weighs))
            .collect();
        assert_eq!(told.len(), 3, "{told:?}");
        let processes = ("/HostConfig/PidsLimit: 256 instead of 999".to_owned(), true);
        assert!(told.contains(&processes), "{told:?}");
        let less = json!({"HostConfig": {"Memory": 1_000, "PidsLimit": -1}});
        assert_eq!(left_out(&plan(&less)), []);
    }

    #[test]
    fn podman_keeps_nothing_writable_that_docker_would_not() {
        let read_only = Profile {
            hardened: false,
            read_only: true,
        };
        let asks = json!({"Volumes": {"/run": {}}, "HostConfig": {"Tmpfs": {"/data": "size=1m"}}});
        let podman = |around: &mut Surroundings<'_>| around.podman = true;
        let body = made_by(&asks, read_only, podman);
        // The image makes /var/tmp a volume, the createOptions /run.
        let wanted = json!({"/data": "size=1m", "/tmp": "ro,exec"});
        assert_eq!(body["HostConfig"]["Tmpfs"], wanted);
        let asks = json!({"HostConfig": {"ReadonlyRootfs": true, "Tmpfs": {"/tmp": ""}}});
        let body = made_by(&asks, Profile::default(), podman);
        let wanted = json!({"/run": "ro,exec", "/tmp": ""});
        assert_eq!(body["HostConfig"]["Tmpfs"], wanted);
        let body = made_by(&json!({}), Profile::default(), podman);
        assert!(body["HostConfig"].get("Tmpfs").is_none());
        let docker = made(&json!({}), read_only);
        assert!(docker["HostConfig"].get("Tmpfs").is_none());
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
        let body = made(&asks, strict);
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
        let left_out = left_out(&plan(&asks));
        assert_eq!(left_out.len(), 6, "{left_out:?}");
    }
}
