//! Programs of other architectures: an emulator of qemu, registered with the kernel (binfmt_misc) so that it works inside
//! containers too. Left out: emulators that an engine in a virtual machine brings along; modules there are out of reach.

use std::path::Path;

use super::Engine;

/// Where the kernel shows what is registered.
const REGISTERED: &str = "/proc/sys/fs/binfmt_misc";

/// A platform whose programs do not run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no emulation for {platform}: the container engine's machine is {own}, and no emulator for it is registered there; install qemu-user-static and register it with binfmt_misc (flag F), or use a machine of that platform"
)]
pub struct NoEmulation {
    /// Such as `linux/arm64`.
    pub platform: String,
    /// Architecture of the engine's machine.
    pub own: String,
}

impl Engine {
    /// Are programs of an architecture its machine's own?
    pub fn is_own(&self, architecture: &str) -> bool {
        self.architecture == architecture
    }

    /// Does its machine run programs of an architecture, by itself or by an emulator?
    pub fn runs(&self, architecture: &str) -> bool {
        let emulator = match architecture {
            _ if self.is_own(architecture) => return true,
            "arm" => "qemu-arm",
            "arm64" => "qemu-aarch64",
            "amd64" => "qemu-x86_64",
            _ => return false,
        };
        std::fs::read_to_string(Path::new(REGISTERED).join(emulator))
            .is_ok_and(|entry| works_in_containers(&entry))
    }

    /// The same for a platform such as `linux/arm/v7`, with the reason.
    ///
    /// # Errors
    /// Its machine does not.
    pub fn can_run(&self, platform: &str) -> Result<(), NoEmulation> {
        let architecture = platform.split('/').nth(1).unwrap_or_default();
        if self.runs(architecture) {
            return Ok(());
        }
        Err(NoEmulation {
            platform: platform.to_owned(),
            own: self.architecture.clone(),
        })
    }
}

/// An entry as the kernel shows it. Without the flag F the emulator would be looked for in the module's image.
fn works_in_containers(entry: &str) -> bool {
    let mut lines = entry.lines();
    let flags = entry.lines().find_map(|line| line.strip_prefix("flags:"));
    lines.next() == Some("enabled") && flags.is_some_and(|flags| flags.contains('F'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_has_to_work_inside_containers() {
        let entry = |state: &str, flags: &str| {
            format!(
                "{state}\ninterpreter /usr/libexec/qemu-binfmt/arm-binfmt-P\nflags: {flags}\noffset 0\nmagic 7f45\n"
            )
        };
        assert!(works_in_containers(&entry("enabled", "POF")));
        assert!(!works_in_containers(&entry("disabled", "POF")));
        assert!(!works_in_containers(&entry("enabled", "PO")));
        assert!(!works_in_containers(""));
    }

    #[test]
    fn a_platform_without_an_emulator_is_told() {
        let engine = Engine {
            socket: "/run/engine.sock".into(),
            name: "Podman".into(),
            architecture: "amd64".into(),
        };
        assert_eq!(engine.can_run("linux/amd64"), Ok(()));
        let why = engine.can_run("linux/s390x").unwrap_err().to_string();
        assert!(why.starts_with("no emulation for linux/s390x"), "{why}");
        assert!(engine.can_run("nonsense").is_err());
    }
}
