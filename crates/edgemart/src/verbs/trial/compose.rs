//! A compose file for modules that somebody else's tool starts, while the environment runs here: an internal network whose
//! gateway is this machine, the agent's variables, and the workload sockets.

use std::net::Ipv4Addr;
use std::path::Path;

use edge::Environment;
use edge::runner::Plan;
use serde_json::{Map, Value, json};

use crate::verbs::failure::{Exit, Failure, tell};

/// This machine in the file's network: an address that nothing else is likely to have.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 31, 213, 1);
/// Its name for the modules.
pub(super) const GATEWAY_NAME: &str = "edgehub";
const SUBNET: &str = "172.31.213.0/24";
/// The network's name at the engine, whatever folder the file lies in.
const NETWORK: &str = "edgemart-try";
/// Where a module finds its workload socket.
const SOCKET: &str = "/var/run/iotedge/workload.sock";

/// createOptions as a compose file says them.
const NAMES: [(&str, &str); 9] = [
    ("/User", "user"),
    ("/Cmd", "command"),
    ("/Entrypoint", "entrypoint"),
    ("/WorkingDir", "working_dir"),
    ("/HostConfig/Memory", "mem_limit"),
    ("/HostConfig/ReadonlyRootfs", "read_only"),
    ("/HostConfig/CapDrop", "cap_drop"),
    ("/HostConfig/PidsLimit", "pids_limit"),
    ("/HostConfig/Init", "init"),
];

/// Writes the file, over an earlier one: its sockets are those of this run.
pub(super) fn write(
    file: &Path,
    environment: &Environment,
    plans: &[Plan],
    images: &[String],
) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Failure,
            format!("{} cannot be written", file.display()),
        )
        .why(why)
    };
    let services: Map<String, Value> = plans
        .iter()
        .zip(images)
        .map(|(plan, image)| (plan.module.clone(), service(environment, plan, image)))
        .collect();
    let document = json!({
        "services": services,
        "networks": {"edge": {
            "name": NETWORK,
            "internal": true,
            "ipam": {"config": [{"subnet": SUBNET, "gateway": GATEWAY.to_string()}]},
        }},
    });
    let yaml = serde_saphyr::to_string(&document).map_err(|e| failed(&e))?;
    let network =
        format!("podman network create --internal --subnet {SUBNET} --gateway {GATEWAY} {NETWORK}");
    let text = format!(
        "# Written by edgemart try; it works while that runs.\n\
         # For a podman-compose that knows no subnets (1.0.3, as in Debian 12) make the network first:\n\
         #   {network}\n{yaml}"
    );
    std::fs::write(file, text).map_err(|e| failed(&e))?;
    let name = file.display();
    tell(&format!(
        "Start the modules with `docker compose -f {name} up` or `podman-compose -f {name} up`, and remove them with `down`."
    ));
    tell(&format!(
        "A podman-compose that knows no subnets (1.0.3, as in Debian 12) needs the network first: {network}"
    ));
    Ok(())
}

fn service(environment: &Environment, plan: &Plan, image: &str) -> Value {
    let socket = environment.socket_path(&plan.module);
    let agents = environment.variables(&plan.module, Path::new(SOCKET));
    let agents = agents.unwrap_or_default().into_iter();
    let variables: Map<String, Value> = plan
        .variables
        .iter()
        .cloned()
        .chain(agents.map(|(name, value)| (name.to_owned(), value)))
        // A dollar sign would be a variable of the file.
        .map(|(name, value)| (name, value.replace('$', "$$").into()))
        .collect();
    let mut service = json!({
        "image": image,
        "hostname": plan.module,
        "environment": variables,
        "extra_hosts": [format!("{GATEWAY_NAME}:{GATEWAY}")],
        "networks": ["edge"],
        "volumes": [format!("{}:{SOCKET}", socket.display())],
    });
    let options: Value = serde_json::from_str(&plan.create_options.to_text()).unwrap_or_default();
    for (pointer, name) in NAMES {
        if let Some(value) = options.pointer(pointer) {
            service[name] = value.clone();
        }
    }
    if let Some(Value::Object(folders)) = options.pointer("/HostConfig/Tmpfs") {
        service["tmpfs"] = folders.keys().cloned().collect();
    }
    service
}
