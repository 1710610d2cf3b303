//! What createOptions ask of the host beyond a plain container.
//!
//! A list, not a verdict: certification refuses or waives (least privilege, domain fact sheet §5.3). What looks
//! dangerous in a way this list does not know is listed when it hands out a part of the host at all.

use serde_json::{Map, Value};

use super::{escape, host_config};

/// One thing asked of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    /// What kind of thing.
    pub kind: PrivilegeKind,
    /// Where it is asked, as a JSON pointer into createOptions.
    pub pointer: String,
    /// What exactly, as written.
    pub value: String,
}

/// Kinds of things a container may ask of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrivilegeKind {
    /// `Privileged`: everything.
    Privileged,
    /// A namespace of the host or of another container: network, pid, ipc, uts, user, cgroup.
    HostNamespace,
    /// `CapAdd`.
    Capability,
    /// The container engine's or the edge daemon's socket: control over every container.
    EngineSocket,
    /// A folder of the host that holds its system: `/`, `/etc`, `/proc` …
    SystemPath,
    /// Any other folder or file of the host.
    HostPath,
    /// A device of the host.
    Device,
    /// `SecurityOpt`, which mostly loosens seccomp or AppArmor.
    SecurityOption,
}

pub(super) fn privileges(members: &Map<String, Value>) -> Vec<Privilege> {
    let mut found = Vec::new();
    for (pointer, value) in host_config(members, "Privileged") {
        // Anything but a plain "no" is listed: an engine may read 1 or "true" as yes.
        if !matches!(value, Value::Bool(false) | Value::Null) {
            found.push(one(PrivilegeKind::Privileged, pointer, value));
        }
    }
    namespaces(members, &mut found);
    for (name, kind) in [
        ("CapAdd", PrivilegeKind::Capability),
        ("SecurityOpt", PrivilegeKind::SecurityOption),
        ("Devices", PrivilegeKind::Device),
        ("DeviceRequests", PrivilegeKind::Device),
        ("DeviceCgroupRules", PrivilegeKind::Device),
        ("VolumesFrom", PrivilegeKind::HostPath),
    ] {
        for (pointer, value) in host_config(members, name) {
            each(&pointer, value, |pointer, item| {
                found.push(one(kind, pointer, item));
            });
        }
    }
    for (pointer, value) in host_config(members, "Binds") {
        each(&pointer, value, |pointer, item| {
            let text = item.as_str().unwrap_or_default();
            let source = text.split_once(':').map_or(text, |(source, _)| source);
            found.extend(path(source, pointer, text));
        });
    }
    for (pointer, value) in host_config(members, "Mounts") {
        each(&pointer, value, |pointer, item| {
            mount(pointer, item, &mut found);
        });
    }
    found
}

fn one(kind: PrivilegeKind, pointer: String, value: &Value) -> Privilege {
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Privilege {
        kind,
        pointer,
        value,
    }
}

fn each<'v>(pointer: &str, value: &'v Value, mut visit: impl FnMut(String, &'v Value)) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(format!("{pointer}/{index}"), item);
            }
        }
        Value::Object(items) => {
            for (key, item) in items {
                visit(format!("{pointer}/{}", escape(key)), item);
            }
        }
        other => visit(pointer.to_owned(), other),
    }
}

fn namespaces(members: &Map<String, Value>, found: &mut Vec<Privilege>) {
    for name in [
        "NetworkMode",
        "PidMode",
        "IpcMode",
        "UTSMode",
        "UsernsMode",
        "CgroupnsMode",
    ] {
        for (pointer, value) in host_config(members, name) {
            let mode = value.as_str().unwrap_or_default().to_ascii_lowercase();
            if mode == "host" || mode.starts_with("container:") {
                found.push(one(PrivilegeKind::HostNamespace, pointer, value));
            }
        }
    }
    // A network called "host" in NetworkingConfig is the same as the mode.
    for (pointer, config) in super::members_named(members, "NetworkingConfig", "") {
        let endpoints = config
            .as_object()
            .map(|config| super::members_named(config, "EndpointsConfig", &pointer))
            .unwrap_or_default();
        for (pointer, networks) in endpoints {
            let networks = networks.as_object().into_iter().flatten();
            for (network, _) in networks.filter(|(name, _)| name.eq_ignore_ascii_case("host")) {
                found.push(Privilege {
                    kind: PrivilegeKind::HostNamespace,
                    pointer: format!("{pointer}/{network}"),
                    value: network.clone(),
                });
            }
        }
    }
}

fn mount(pointer: String, item: &Value, found: &mut Vec<Privilege>) {
    let Some(fields) = item.as_object() else {
        return;
    };
    let field = |name: &str| {
        super::members_named(fields, name, "")
            .into_iter()
            .filter_map(|(_, value)| value.as_str())
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let source = field("Source");
    if field("Type").eq_ignore_ascii_case("bind") || source.starts_with('/') {
        found.extend(path(&source, pointer.clone(), &item.to_string()));
    }
    // A volume of the local driver with a `device` option is a bind mount under another name.
    crate::placeholder::each_leaf(item, &pointer, &mut |at, text| {
        if at.to_ascii_lowercase().ends_with("/options/device") && text.starts_with('/') {
            found.extend(path(text, at.to_owned(), text));
        }
    });
}

/// The privilege of handing out a path of the host; a name without a slash is a volume and none.
fn path(source: &str, pointer: String, value: &str) -> Option<Privilege> {
    if !source.starts_with('/') && !source.starts_with('.') && !source.starts_with('~') {
        return None;
    }
    let path = normal(source);
    let within = |folder: &str| {
        path == folder
            || path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let kind = if path.ends_with(".sock") {
        PrivilegeKind::EngineSocket
    } else if SYSTEM_PARENTS.contains(&path.as_str()) || SYSTEM_FOLDERS.into_iter().any(within) {
        PrivilegeKind::SystemPath
    } else {
        PrivilegeKind::HostPath
    };
    Some(Privilege {
        kind,
        pointer,
        value: value.to_owned(),
    })
}

/// Folders that hold a system folder, so handing them out hands that out too.
const SYSTEM_PARENTS: [&str; 3] = ["/", "/var", "/var/lib"];

/// Folders of the host's system; sockets of the engine live under `/run` and `/var/run`.
const SYSTEM_FOLDERS: [&str; 16] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/aziot",
    "/var/lib/docker",
    "/var/lib/iotedge",
    "/var/run",
];

/// The path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
