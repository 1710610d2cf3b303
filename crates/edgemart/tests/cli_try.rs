//! `edgemart try` as a person or a script meets it: a program runs as a module, its events come out, and the end says how
//! far it came. Each test listens on a loopback address of its own, because the SDKs know one port.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn tried(address: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_edgemart"))
        .args(["try", "--address", address, "--gateway", address])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_module_finds_its_socket_and_the_end_says_how_far_it_came() {
    let script = "test -S \"${IOTEDGE_WORKLOADURI#unix://}\" && test \"$IOTEDGE_MODULEID\" = m && echo there";
    let output = tried(
        "127.9.1.1",
        &["--name", "m", "-o", "json", "--", "sh", "-c", script],
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "hub-started");
    assert!(
        err.contains("there") && err.contains("never called the workload API"),
        "{err}"
    );
}

#[test]
fn a_module_that_ends_badly_is_a_failure() {
    let output = tried("127.9.1.2", &["--", "sh", "-c", "exit 3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("with code 3"));
    let output = tried("127.9.1.3", &["--", "/no/such/program"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    for (arguments, part) in [
        (
            ["--route", "FROM /messages/* INTO $iothub"].as_slice(),
            "$upstream",
        ),
        (&["--desired", "[1]"], "JSON object"),
        (&["--desired", "{\"$x\": 1}"], "property name"),
        (&["--name", "a/b"], "no name"),
    ] {
        let output = tried("127.9.1.4", arguments);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{err}");
        assert!(err.contains(part), "{err}");
    }
    let taken = std::net::TcpListener::bind("127.9.1.5:8883").unwrap();
    let output = tried("127.9.1.5", &[]);
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    drop(taken);
}
