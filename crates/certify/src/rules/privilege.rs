//! Which of the things that createOptions ask of the host amount to control over it (DEF-05), which deserve a
//! reviewer's look (DEF-12), and which are ordinary.

use domain::create_options::{Privilege, PrivilegeKind};

/// How much one request matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// As good as root on the host.
    Control,
    /// More than a module usually needs.
    Sensitive,
    /// Many modules need it.
    Ordinary,
}

/// Capabilities that lead to control over the host.
const CONTROL_CAPABILITIES: &[&str] = &[
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_PTRACE",
    "DAC_READ_SEARCH",
];
/// Sockets of container engines and of the edge daemon, by a part of their path.
const ENGINE_SOCKETS: &[&str] = &[
    "docker",
    "containerd",
    "podman",
    "crio",
    "buildkit",
    "iotedge",
    "aziot",
];

pub(super) fn weight(privilege: &Privilege) -> Weight {
    let value = privilege.value.as_str();
    match privilege.kind {
        PrivilegeKind::Privileged => Weight::Control,
        PrivilegeKind::EngineSocket if ENGINE_SOCKETS.iter().any(|name| value.contains(name)) => {
            Weight::Control
        }
        PrivilegeKind::Capability => {
            let upper = value.to_ascii_uppercase();
            let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
            if CONTROL_CAPABILITIES.contains(&name) {
                Weight::Control
            } else {
                Weight::Sensitive
            }
        }
        PrivilegeKind::SystemPath if is_root_folder(value) => Weight::Control,
        PrivilegeKind::SecurityOption if tightens(value) => Weight::Ordinary,
        PrivilegeKind::HostPath => Weight::Ordinary,
        PrivilegeKind::EngineSocket
        | PrivilegeKind::SystemPath
        | PrivilegeKind::HostNamespace
        | PrivilegeKind::Device
        | PrivilegeKind::SecurityOption => Weight::Sensitive,
    }
}

/// Does a bind or mount hand out the whole file system?
fn is_root_folder(value: &str) -> bool {
    let mount: Option<serde_json::Value> = serde_json::from_str(value).ok();
    let of_mount = mount.as_ref().and_then(|mount| {
        let fields = mount.as_object()?;
        let (_, source) = fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("Source"))?;
        source.as_str()
    });
    let source = of_mount.unwrap_or_else(|| value.split(':').next().unwrap_or_default());
    let mut depth = 0_usize;
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    depth == 0
}

fn tightens(option: &str) -> bool {
    let option = option.to_ascii_lowercase();
    option.starts_with("no-new-privileges") && !option.ends_with("false")
}

/// What is asked, in words.
pub(super) fn words(privilege: &Privilege) -> String {
    let kind = match privilege.kind {
        PrivilegeKind::Privileged => "privileged mode",
        PrivilegeKind::HostNamespace => "a namespace of the host",
        PrivilegeKind::Capability => "the capability",
        PrivilegeKind::EngineSocket => "a socket of the host",
        PrivilegeKind::SystemPath => "a system folder of the host",
        PrivilegeKind::HostPath => "a folder of the host",
        PrivilegeKind::Device => "a device of the host",
        PrivilegeKind::SecurityOption => "the security option",
    };
    let value: String = privilege.value.chars().take(120).collect();
    format!("asks for {kind}: {value}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::create_options::CreateOptions;

    fn weights(host_config: &str) -> Vec<Weight> {
        let options = CreateOptions::parse(&format!(r#"{{"HostConfig":{host_config}}}"#)).unwrap();
        options.privileges().iter().map(weight).collect()
    }

    #[test]
    fn what_amounts_to_control() {
        for text in [
            r#"{"Privileged":true}"#,
            r#"{"privileged":"true"}"#,
            r#"{"CapAdd":["CAP_SYS_ADMIN"]}"#,
            r#"{"CapAdd":["all"]}"#,
            r#"{"Binds":["/var/run/docker.sock:/s"]}"#,
            r#"{"Binds":["/:/host:ro"]}"#,
            r#"{"Binds":["/x/..:/host"]}"#,
            r#"{"Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]}"#,
        ] {
            assert_eq!(weights(text), [Weight::Control], "{text}");
        }
    }

    #[test]
    fn what_a_reviewer_looks_at() {
        for text in [
            r#"{"NetworkMode":"host"}"#,
            r#"{"PidMode":"host"}"#,
            r#"{"CapAdd":["NET_ADMIN"]}"#,
            r#"{"Binds":["/etc:/e:ro"]}"#,
            r#"{"Devices":[{"PathOnHost":"/dev/ttyS0"}]}"#,
            r#"{"SecurityOpt":["seccomp=unconfined"]}"#,
        ] {
            assert_eq!(weights(text), [Weight::Sensitive], "{text}");
        }
    }

    #[test]
    fn what_is_ordinary() {
        for text in [
            r#"{"Binds":["/srv/data:/data"]}"#,
            r#"{"SecurityOpt":["no-new-privileges:true"]}"#,
        ] {
            assert_eq!(weights(text), [Weight::Ordinary], "{text}");
        }
        assert!(
            weights(r#"{"Privileged":false,"Binds":["data:/data"],"NetworkMode":"bridge"}"#)
                .is_empty()
        );
    }
}
