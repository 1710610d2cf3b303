//! What of createOptions an engine of ours is given when it runs a stranger's module: an allow-list.
//!
//! Nothing on it hands out a part of the host, whatever the spelling: what is not known is left out and listed, so that
//! a report can say what was not exercised. Folders that the module wants from the host or from a volume become
//! anonymous volumes, which go away with the container. Limits are passed on; whoever runs the module may lower them.
//! Variables need a value of their own: to Podman `NAME` and `*` mean what its service's own environment holds.
//!
//! What is left out *weighs* when a module may fail for want of it: whatever [`privileges`](CreateOptions::privileges)
//! lists, and a few members more. Ports, restarts, logging and volumes do not weigh.

use serde_json::{Map, Value, json};

use super::{CreateOptions, Privilege, PrivilegeKind, escape};
use crate::behaviour::LeftOut;

/// What is passed on, and what is not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confined {
    /// Members for the engine, in the engine's own spelling.
    pub members: Map<String, Value>,
    /// What was left out or replaced, by its JSON pointer.
    pub left_out: Vec<LeftOut>,
}

/// Members passed on as they are.
const TOP: [&str; 8] = [
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Labels",
    "StopSignal",
    "User",
    "WorkingDir",
];

/// Members of `HostConfig` passed on as they are: all of them take something away, or say how much there is.
const HOST: [&str; 9] = [
    "CapDrop",
    "CpuPeriod",
    "CpuQuota",
    "Memory",
    "MemoryReservation",
    "MemorySwap",
    "NanoCpus",
    "PidsLimit",
    "ShmSize",
];

/// Members of `HostConfig` that are no privilege, and yet a module may not work without them.
const WEIGHTY: [&str; 5] = ["ExtraHosts", "GroupAdd", "Links", "Runtime", "Sysctls"];

/// Labels of whoever runs the module begin so.
const OWN_LABELS: &str = "io.edgemart.";

impl CreateOptions {
    /// The part of the createOptions that a stranger's module may have.
    pub fn confined(&self) -> Confined {
        let mut confined = Confined::default();
        let mut host = Map::new();
        let mut folders = Vec::new();
        for (key, value) in &self.members {
            let pointer = format!("/{}", escape(key));
            if let Some(name) = known(&TOP, key) {
                let value = match name {
                    "Env" => confined.variables(&pointer, value),
                    "Labels" => confined.labels(&pointer, value),
                    _ => value.clone(),
                };
                confined.members.insert(name.to_owned(), value);
            } else if key.eq_ignore_ascii_case("Volumes") {
                folders.extend(value.as_object().into_iter().flat_map(Map::keys).cloned());
            } else if key.eq_ignore_ascii_case("HostConfig") {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let pointer = format!("{pointer}/{}", escape(key));
                    confined.host(&mut host, &mut folders, pointer, key, value);
                }
            } else {
                confined.leave(format!("{pointer}: left out"));
            }
        }
        let volumes: Map<String, Value> = folders
            .into_iter()
            .filter(|folder| is_folder(folder))
            .map(|folder| (folder, json!({})))
            .collect();
        if !volumes.is_empty() {
            confined.members.insert("Volumes".into(), volumes.into());
        }
        confined.members.insert("HostConfig".into(), host.into());
        confined.weigh(&self.privileges());
        confined
    }
}

impl Confined {
    /// Notes what is left out; how much it matters is found at the end.
    fn leave(&mut self, what: String) {
        self.left_out.push(LeftOut {
            what,
            weighs: false,
        });
    }

    fn weigh(&mut self, privileges: &[Privilege]) {
        for left in &mut self.left_out {
            let pointer = left.what.split(": ").next().unwrap_or_default();
            let within = |privilege: &&Privilege| {
                let rest = privilege.pointer.strip_prefix(pointer);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let mut asked = privileges.iter().filter(within);
            left.weighs = left.weighs || asked.any(|privilege| !tightens(privilege));
        }
    }

    /// Variables that say what they hold.
    fn variables(&mut self, pointer: &str, value: &Value) -> Value {
        let mut kept = Vec::new();
        for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
            let named = entry
                .as_str()
                .and_then(|text| text.split_once('='))
                .is_some_and(|(name, _)| !name.is_empty() && !name.contains('*'));
            if named {
                kept.push(entry.clone());
            } else {
                self.leave(format!(
                    "{pointer}/{index}: left out, a variable is NAME=VALUE"
                ));
            }
        }
        kept.into()
    }

    /// Labels but those by which runs are told apart.
    fn labels(&mut self, pointer: &str, value: &Value) -> Value {
        let mut kept = Map::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            if key.contains('=') || key.starts_with(OWN_LABELS) {
                self.leave(format!("{pointer}/{}: left out", escape(key)));
            } else {
                kept.insert(key.clone(), value.clone());
            }
        }
        kept.into()
    }

    /// One member of `HostConfig`.
    fn host(
        &mut self,
        host: &mut Map<String, Value>,
        folders: &mut Vec<String>,
        pointer: String,
        key: &str,
        value: &Value,
    ) {
        if let Some(name) = known(&HOST, key) {
            host.insert(name.to_owned(), value.clone());
        } else if key.eq_ignore_ascii_case("ReadonlyRootfs") && value.is_boolean() {
            host.insert("ReadonlyRootfs".into(), value.clone());
        } else if key.eq_ignore_ascii_case("Tmpfs") {
            host.insert("Tmpfs".into(), tmpfs(value));
        } else if key.eq_ignore_ascii_case("Binds") {
            for (index, bind) in value.as_array().into_iter().flatten().enumerate() {
                let mut parts = bind.as_str().unwrap_or_default().splitn(3, ':');
                let target = parts.nth(1).map(str::to_owned);
                self.folder(folders, format!("{pointer}/{index}"), target);
            }
        } else if key.eq_ignore_ascii_case("Mounts") {
            for (index, mount) in value.as_array().into_iter().flatten().enumerate() {
                let target = mount.as_object().and_then(|fields| {
                    let named = fields
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case("Target"));
                    Some(named?.1.as_str()?.to_owned())
                });
                self.folder(folders, format!("{pointer}/{index}"), target);
            }
        } else {
            self.left_out.push(LeftOut {
                what: format!("{pointer}: left out"),
                weighs: known(&WEIGHTY, key).is_some() && !is_empty(value),
            });
        }
    }

    /// A folder that the module finds empty, instead of what it asked for. A socket cannot be replaced.
    fn folder(&mut self, folders: &mut Vec<String>, pointer: String, target: Option<String>) {
        match target {
            Some(target) if is_folder(&target) && !target.ends_with(".sock") => {
                self.leave(format!("{pointer}: an empty volume at {target} instead"));
                folders.push(target);
            }
            _ => self.leave(format!("{pointer}: left out")),
        }
    }
}

/// Options that take something away instead of asking for it; every run has this one.
fn tightens(privilege: &Privilege) -> bool {
    privilege.kind == PrivilegeKind::SecurityOption
        && privilege.value.starts_with("no-new-privileges")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The engine's own spelling of a member.
fn known(list: &'static [&'static str], key: &str) -> Option<&'static str> {
    list.iter()
        .copied()
        .find(|name| name.eq_ignore_ascii_case(key))
}

/// Folders in memory; their options only if they are words and numbers.
fn tmpfs(value: &Value) -> Value {
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b','))
    };
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(folder, _)| is_folder(folder))
        .map(|(folder, options)| {
            let options = options.as_str().filter(|text| plain(text));
            (folder.clone(), json!(options.unwrap_or_default()))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// An absolute folder of the container that is not its root, nor a part of the system that the engine mounts itself.
fn is_folder(path: &str) -> bool {
    let mut parts = path.split('/').skip(1).filter(|part| !part.is_empty());
    path.starts_with('/')
        && !path.contains(':')
        && !parts.clone().any(|part| part == ".." || part == ".")
        && parts
            .next()
            .is_some_and(|first| !["proc", "sys", "dev"].contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_value_and_a_label_of_ours_are_left_out() {
        let asked = json!({
            "Env": ["A=1", "HOME", "*", "*=x", "=x", "B="],
            "Labels": {"contoso": "x", "io.edgemart.run.owner": "x", "io.edgemart.run.owner=x": "y"},
        });
        let confined = CreateOptions::parse(&asked.to_string()).unwrap().confined();
        assert_eq!(confined.members["Env"], json!(["A=1", "B="]));
        assert_eq!(confined.members["Labels"], json!({"contoso": "x"}));
        assert_eq!(confined.left_out.len(), 6, "{:?}", confined.left_out);
        assert!(confined.left_out.iter().all(|left| !left.weighs));
    }

    fn weighs(host_config: Value) -> bool {
        let asked = json!({ "HostConfig": host_config }).to_string();
        let left_out = CreateOptions::parse(&asked).unwrap().confined().left_out;
        assert_eq!(left_out.len(), 1, "{asked}: {left_out:?}");
        left_out[0].weighs
    }

    #[test]
    fn what_a_module_may_need_weighs() {
        for asked in [
            json!({"Privileged": true}),
            json!({"CapAdd": ["NET_ADMIN"]}),
            json!({"devices": [{"PathOnHost": "/dev/ttyUSB0"}]}),
            json!({"DeviceRequests": [{"Count": -1}]}),
            json!({"NetworkMode": "host"}),
            json!({"Binds": ["/srv/data:/data"]}),
            json!({"Binds": ["/run/dbus.sock:/run/dbus.sock"]}),
            json!({"Mounts": [{"Type": "bind", "Source": "/srv", "Target": "/data"}]}),
            json!({"SecurityOpt": ["seccomp=unconfined"]}),
            json!({"Runtime": "nvidia"}),
            json!({"GroupAdd": ["dialout"]}),
        ] {
            assert!(weighs(asked.clone()), "{asked}");
        }
        for asked in [
            json!({"Privileged": false}),
            json!({"CapAdd": []}),
            json!({"Binds": ["data:/data"]}),
            json!({"Mounts": [{"Type": "volume", "Source": "data", "Target": "/data"}]}),
            json!({"NetworkMode": "azure-iot-edge"}),
            json!({"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}),
            json!({"RestartPolicy": {"Name": "always"}}),
            json!({"SecurityOpt": ["no-new-privileges"]}),
            json!({"ExtraHosts": []}),
            json!({"Runtime": ""}),
        ] {
            assert!(!weighs(asked.clone()), "{asked}");
        }
    }
}
