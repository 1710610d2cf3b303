//! A network of its own for a test: the SDKs know one port for MQTT and one for HTTPS, and a module under test shall
//! reach nothing but the environment.
//!
//! The test starts itself again under `unshare` (util-linux), with a loopback device and an `/etc/hosts` that knows the
//! gateway, and the inner one is the test. Where namespaces are forbidden it fails and says so.

use std::process::Command;

/// Set for the inner run.
const INSIDE: &str = "EDGE_TEST_INSIDE";
/// Run by the shell inside; `$0` is the folder, the rest the test again.
const SCRIPT: &str = "ip link set lo up && mount --bind \"$0/hosts\" /etc/hosts && exec \"$@\"";

/// Whether this is the inner run.
pub(crate) fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs the test of this name again in a namespace, and fails when it fails.
pub(crate) fn run(test: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hosts"), "127.0.0.1 localhost edgehub\n").expect("a file");
    let program = std::env::current_exe().expect("this program");
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "sh", "-c", SCRIPT])
        .arg(folder.path())
        .arg(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status();
    let status = status.expect("unshare of util-linux: install it by scripts/packages.sh");
    assert!(
        status.success(),
        "{test} failed in its network namespace ({status}). If the lines above speak of unshare, ip or mount: this \
         machine forbids user namespaces; run as root, or allow them (sysctl kernel.unprivileged_userns_clone=1)."
    );
}
