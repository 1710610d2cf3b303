//! What of createOptions an engine of ours is given when it runs a stranger's module: an allow-list.
//!
//! Nothing on it hands out a part of the host, whatever the spelling: what is not known is left out and listed, so that
//! a report can say what was not exercised. Folders that the module wants from the host or from a volume become
//! anonymous volumes, which go away with the container. Limits are passed on; whoever runs the module may lower them.
//! Variables need a value of their own: to Podman `NAME` and `*` mean what its service's own environment holds.

use serde_json::{Map, Value, json};

use super::{CreateOptions, escape};

/// What is passed on, and what is not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confined {
    /// Members for the engine, in the engine's own spelling.
    pub members: Map<String, Value>,
    /// JSON pointers of what was left out or replaced, each with a word on it.
    pub left_out: Vec<String>,
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
                confined.left_out.push(format!("{pointer}: left out"));
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
        confined
    }
}

impl Confined {
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
                self.left_out.push(format!(
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
                self.left_out
                    .push(format!("{pointer}/{}: left out", escape(key)));
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
            self.left_out.push(format!("{pointer}: left out"));
        }
    }

    /// A folder that the module finds empty, instead of what it asked for. A socket cannot be replaced.
    fn folder(&mut self, folders: &mut Vec<String>, pointer: String, target: Option<String>) {
        match target {
            Some(target) if is_folder(&target) && !target.ends_with(".sock") => {
                self.left_out
                    .push(format!("{pointer}: an empty volume at {target} instead"));
                folders.push(target);
            }
            _ => self.left_out.push(format!("{pointer}: left out")),
        }
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
    }
}
