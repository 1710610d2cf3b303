//! Whose a container, a network or an image is: a label that names the process, so that another one can tell whether it
//! is gone. The bytes of an image are its publisher's and bear no label of ours, so its name does.

use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Map, Value, json};

/// The label.
pub(crate) const OWNER: &str = "io.edgemart.run.owner";
/// Where the names of images of runs begin; the owner and a tag follow.
pub(crate) const IMAGES: &str = "localhost/edgemart-run/";
/// The run's folder, so that it goes with the rest of what a killed process left.
pub(crate) const FOLDER: &str = "io.edgemart.run.folder";
/// How the name of every such folder begins.
pub(crate) const FOLDER_PREFIX: &str = "edgemart-run-";

/// A process of this machine: numbers are used again, so its start counts too; and numbers of another namespace, or of
/// before the last boot, mean other processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    boot: String,
    namespace: String,
    process: u32,
    started: String,
}

impl Label {
    /// This process.
    pub(crate) fn own() -> Self {
        let process = std::process::id();
        Self {
            boot: boot(),
            namespace: namespace(),
            process,
            started: started(process).unwrap_or_default(),
        }
    }

    /// Reads the labels of a container or network.
    pub(crate) fn read(labels: &Value) -> Option<Self> {
        let mut parts = labels[OWNER].as_str()?.split(' ');
        let mut part = || parts.next().map(str::to_owned);
        let (boot, namespace) = (part()?, part()?);
        Some(Self {
            boot,
            namespace,
            process: part()?.parse().ok()?,
            started: part()?,
        })
    }

    /// The process does not live any more. A process that cannot be seen from here counts as living.
    pub(crate) fn is_gone(&self) -> bool {
        if self.boot != boot() {
            return true;
        }
        if self.namespace != namespace() {
            return false;
        }
        match started(self.process) {
            Some(started) => started != self.started,
            // Where /proc hides the processes of others, only the kernel's own word counts.
            None => !exists(self.process),
        }
    }

    /// As labels of a container or network.
    pub(crate) fn members(&self) -> Map<String, Value> {
        Map::from_iter([(OWNER.to_owned(), json!(self.value()))])
    }

    /// The name of an image of this process, told from its others by a tag.
    pub(crate) fn image_name(&self, tag: &str) -> String {
        let Self {
            boot,
            namespace,
            process,
            started,
        } = self;
        // The number of `pid:[4026531836]`: names of images know no brackets.
        let namespace: String = namespace.chars().filter(char::is_ascii_digit).collect();
        format!("{IMAGES}{boot}/{namespace}/{process}/{started}:{tag}")
    }

    /// Whose an image is, by its name.
    pub(crate) fn of_image(name: &str) -> Option<Self> {
        let (owner, _) = name.strip_prefix(IMAGES)?.rsplit_once(':')?;
        let parts: Vec<&str> = owner.split('/').collect();
        let [boot, namespace, process, started] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            boot: (*boot).to_owned(),
            namespace: format!("pid:[{namespace}]"),
            process: process.parse().ok()?,
            started: (*started).to_owned(),
        })
    }

    fn value(&self) -> String {
        let Self {
            boot,
            namespace,
            process,
            started,
        } = self;
        format!("{boot} {namespace} {process} {started}")
    }
}

/// The folder of a run by its labels, if it can be one: others may have written them, and the folder is to be removed.
pub(crate) fn folder(labels: &Value) -> Option<&Path> {
    let folder = Path::new(labels[FOLDER].as_str()?);
    let name = folder.file_name()?.to_str()?;
    let ours = folder.parent() == Some(&std::env::temp_dir());
    (ours && name.starts_with(FOLDER_PREFIX)).then_some(folder)
}

fn boot() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    read.trim().to_owned()
}

fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().replace(' ', "")
}

/// Whether there is a process of that number, ours or not.
fn exists(process: u32) -> bool {
    let number = i32::try_from(process).ok().and_then(Pid::from_raw);
    number.is_some_and(|number| test_kill_process(number) != Err(Errno::SRCH))
}

/// When a process started, in ticks since boot; the name before it may hold anything, also brackets.
fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_process_is_not_gone() {
        let own = Label::own();
        let written = Value::from(own.members());
        assert_eq!(Label::read(&written), Some(own.clone()));
        assert!(!own.is_gone());
        let mut child = std::process::Command::new("true")
            .spawn()
            .expect("it starts");
        // Not the start of this test: within one tick of the clock both would be the same.
        let other = Label {
            process: child.id(),
            started: "1".into(),
            ..own.clone()
        };
        assert!(other.is_gone(), "another start of that number");
        child.wait().expect("it ends");
        assert!(!exists(other.process) && exists(std::process::id()));
        assert!(exists(1), "another user's, perhaps");
        let hidden = Label {
            namespace: "pid:[1]".into(),
            ..other.clone()
        };
        assert!(!hidden.is_gone(), "nobody here can know");
        let before = Label {
            boot: "another".into(),
            ..hidden
        };
        assert!(before.is_gone());
        let named = own.image_name("1");
        assert_eq!(Label::of_image(&named), Some(own), "{named}");
        for other in [
            "localhost/edgemart-run/a:1",
            "contoso/sensor:1",
            "<none>:<none>",
        ] {
            assert_eq!(Label::of_image(other), None);
        }
        assert_eq!(Label::read(&json!({OWNER: "a b"})), None);
        assert_eq!(Label::read(&json!(null)), None);
    }

    #[test]
    fn only_a_folder_that_a_run_can_have_is_removed() {
        let temp = std::env::temp_dir();
        let folder = |path: &Path| folder(&json!({FOLDER: path})).is_some();
        assert!(folder(&temp.join("edgemart-run-abc")));
        for other in ["home", "edgemart-run-a/../x", "x/edgemart-run-a", ""] {
            assert!(!folder(&temp.join(other)), "{other}");
        }
        assert!(!folder(Path::new("/etc/edgemart-run-a")));
    }
}
