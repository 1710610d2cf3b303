//! `edgemart demo` on a real engine: the sample catalog is certified by running it, and what was seen is on record. Takes
//! root and Podman.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::podman::Podman;
use testkit::process::Process;

/// How long until everything has run; a busy machine with two cores included.
const READY_MAX: Duration = Duration::from_secs(400);

/// Starts a demo; gives it and what it printed until it was ready.
fn demo(engine: &str, more: &[&str]) -> (Process, Vec<String>) {
    let program = env!("CARGO_BIN_EXE_edgemart");
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--engine", engine];
    let process = Process::start(program, &[&arguments, more].concat());
    let (ready, told) = (Cell::new(false), Cell::new(false));
    let complete = |line: &str| {
        ready.set(ready.get() || line.starts_with("ready "));
        told.set(told.get() || line.starts_with("Three things"));
        ready.get() && told.get()
    };
    let lines = process.read_until(complete, READY_MAX);
    (process, lines)
}

/// The sample on the official Python SDK; its script does nothing when it is built.
fn python_sample() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new("/usr/bin/python3")
        .arg(root.join("samples/python/build.py"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    match std::env::var_os("EDGEMART_SAMPLES_DIR") {
        Some(samples) => PathBuf::from(samples).join("python"),
        None => root.join("target/samples/python"),
    }
}

fn url(lines: &[String]) -> &str {
    lines
        .iter()
        .find_map(|line| line.strip_prefix("ready "))
        .unwrap()
}

async fn get(url: &str, path: &str) -> Value {
    let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

/// Results of the rules on running modules, on this machine's own platform: code, plan's place, state.
fn trials(report: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for result in report["results"].as_array().unwrap() {
        let code = result["code"].as_str().unwrap();
        // A long run is for whoever asks for it.
        if (!code.starts_with("RUN-") && !code.starts_with("FTP-")) || code == "RUN-19" {
            continue;
        }
        for outcome in result["outcomes"].as_array().unwrap() {
            let place = outcome["place"].as_str().unwrap_or_default();
            if place.ends_with("linux/amd64") {
                let state = outcome["state"].as_str().unwrap();
                found.push((code.to_owned(), place.to_owned(), state.to_owned()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_certifies_its_samples_by_running_them() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let podman = Podman::start();
    let python = python_sample();
    let more = ["--more-samples", python.to_str().unwrap()];
    let (_demo, lines) = demo(&podman.address(), &more);
    let said = lines.join("\n");
    assert!(
        said.contains("Certification runs every sample in a container: Podman"),
        "{said}"
    );
    assert!(
        said.contains("1 refused on purpose, 1 for a reviewer to decide"),
        "{said}"
    );
    let url = url(&lines);
    let modules = get(url, "/api/v1/modules?limit=100").await;
    let mut run = Vec::new();
    for module in modules["items"].as_array().unwrap() {
        let id = module["id"].as_str().unwrap();
        let path = format!("/api/v1/modules/{}/certification", id.replace('.', "/"));
        let trials = trials(&get(url, &path).await);
        assert!(!trials.is_empty(), "{id} has no trial");
        run.push(id);
        for (code, place, state) in &trials {
            assert!(
                ["passed", "not_applicable"].contains(&state.as_str()),
                "{id}, {code}, {place}: {state}"
            );
        }
    }
    assert!(run.len() >= 9, "only {run:?} were run");
    assert!(run.contains(&"fabrikam.anomaly-score"), "{run:?}");
    let left = podman.run(&["ps", "--all", "--quiet"]);
    assert_eq!(left.trim(), "", "containers are removed");
}

#[test]
fn without_an_engine_the_demo_says_so() {
    let (_demo, lines) = demo("none", &[]);
    let said = lines.join("\n");
    assert!(
        said.contains("without running them (--engine none)"),
        "{said}"
    );
    assert!(
        said.contains("1 refused on purpose, 1 for a reviewer to decide"),
        "{said}"
    );
}
