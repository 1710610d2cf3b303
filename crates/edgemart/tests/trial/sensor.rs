//! The fixture as a program of this machine, needing Debian's Python alone.

use std::path::Path;

/// What `edgemart try` starts it with, on a loopback address of its own, sending every so many seconds.
pub(crate) fn arguments(address: &str, name: &str, interval: u32, more: &[&str]) -> Vec<String> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trial/module.py");
    let desired = format!("{{\"interval\": {interval}}}");
    let own = [
        "--address",
        address,
        "--gateway",
        address,
        "--name",
        name,
        "--desired",
        &desired,
        "--method",
        "ping",
        "--input",
        "in",
    ];
    let module = module.display().to_string();
    let program = ["--", "python3", "-B", &module];
    let all = [&own, more, &program].concat();
    all.into_iter().map(str::to_owned).collect()
}
