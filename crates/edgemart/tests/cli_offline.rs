//! The binary as a person or a script meets it, without a marketplace: exit codes, what goes to stdout and what to
//! stderr, and that files are changed exactly as announced. `add` meets an HTTP server that knows one module.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the binary with nothing of this machine's user in it.
fn edgemart(home: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edgemart"))
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A verb that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn ends(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout:\n{}\nstderr:\n{}",
        stdout(output),
        stderr(output)
    );
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

const TEMPLATE: &str = r#"{
  "$schema-template": "4.0.0",
  "modulesContent": {
    "$edgeAgent": {
      "properties.desired": {
        "schemaVersion": "1.1",
        "runtime": { "type": "docker", "settings": { "minDockerVersion": "v1.25" } }, // as it came
        "systemModules": {
          "edgeAgent": { "type": "docker", "settings": { "image": "mcr.microsoft.com/azureiotedge-agent:1.5", "createOptions": {} } },
          "edgeHub": { "type": "docker", "status": "running", "restartPolicy": "always", "settings": { "image": "mcr.microsoft.com/azureiotedge-hub:1.5", "createOptions": {} } }
        },
        "modules": {
          "Sensor": { "version": "1.0", "type": "docker", "status": "running", "restartPolicy": "always", "settings": { "image": "registry.example/sensor:1.0", "createOptions": {} } }
        }
      }
    },
    "$edgeHub": {
      "properties.desired": {
        "schemaVersion": "1.2",
        "routes": { "SensorUp": "FROM /messages/modules/Sensor/outputs/* INTO $upstream" },
        "storeAndForwardConfiguration": { "timeToLiveSecs": 7200 }
      }
    }
  }
}
"#;

/// What the API tells about the one module there is.
fn module() -> String {
    let digest = format!("sha256:{}", "a".repeat(64));
    serde_json::json!({
        "id": "contoso.filter", "title": "Filter", "plans": [{
            "plan": "standard", "title": "Standard", "price_model": "free",
            "versions": [{
                "version": "1.2.0", "digest": digest, "tags": ["latest", "1.2.0"], "platforms": ["linux/amd64"],
                "reference": format!("127.0.0.1:5000/contoso/filter/standard@{digest}"),
                "defaults": {
                    "module_name": "Filter",
                    "routes": [
                        {"name": "ToFilter", "value": "FROM /messages/modules/<SOURCE>/outputs/* INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")"},
                        {"name": "FilterUp", "value": "FROM /messages/modules/Filter/outputs/* INTO $upstream"},
                    ],
                    "twin": [{"name": "Limit", "value": 25}],
                    "env": [{"name": "LIMIT", "value": "25"}],
                    "create_options": {"HostConfig": {"PortBindings": {"8081/tcp": [{"HostPort": "8081"}]}}},
                },
            }],
        }],
    })
    .to_string()
}

/// Answers every request by its path, until the test ends. One connection, one answer.
fn marketplace() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match path {
                "/api/v1/modules/contoso/filter" => ("200 OK", module()),
                "/api/v1/modules?limit=20" => ("200 OK", r#"{"items":[],"total":0,"facets":{},"next":null}"#.to_owned()),
                "/api/v1/account/tokens" => ("401 Unauthorized", r#"{"title":"This token does not work","status":401,"detail":"It is revoked."}"#.to_owned()),
                _ => ("404 Not Found", r#"{"title":"Not found","status":404,"detail":"There is no module here."}"#.to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn validate_ends_with_5_if_and_only_if_there_is_an_error() {
    let home = home();
    std::fs::write(home.path().join("good.json"), TEMPLATE).unwrap();
    let good = edgemart(
        home.path(),
        &["deployment", "validate", "good.json", "-o", "json"],
        "",
    );
    ends(&good, 0);
    let told: Value = serde_json::from_str(&stdout(&good)).unwrap();
    assert_eq!(told["ok"], true);
    assert_eq!(told["kind"], "template");
    let warned = told["problems"].as_array().unwrap();
    assert!(
        warned
            .iter()
            .any(|one| one["code"] == "json.comment" && one["level"] == "warning"),
        "{warned:?}"
    );

    let broken = TEMPLATE.replace(
        "FROM /messages/modules/Sensor/outputs/* INTO",
        "FROM nowhere INTO",
    );
    let bad = edgemart(
        home.path(),
        &["deployment", "validate", "-", "-o", "json"],
        &broken,
    );
    ends(&bad, 5);
    let told: Value = serde_json::from_str(&stdout(&bad)).unwrap();
    let pointer = "/modulesContent/$edgeHub/properties.desired/routes/SensorUp";
    let problems = told["problems"].as_array().unwrap();
    assert!(
        problems
            .iter()
            .any(|one| one["pointer"] == pointer && one["level"] == "error"),
        "{problems:?}"
    );
    let problem: Value = serde_json::from_str(&stderr(&bad)).unwrap();
    assert_eq!(problem["exit_code"], 5);

    let plain = edgemart(home.path(), &["deployment", "validate", "-"], &broken);
    ends(&plain, 5);
    assert!(stdout(&plain).contains(pointer), "{}", stdout(&plain));
    ends(
        &edgemart(home.path(), &["deployment", "validate", "-"], "{ not json"),
        5,
    );
    ends(
        &edgemart(home.path(), &["deployment", "validate", "missing.json"], ""),
        3,
    );
}

#[test]
fn a_new_offer_is_linted_until_it_is_filled_in() {
    let home = home();
    let init = [
        "offer",
        "init",
        "o",
        "--publisher",
        "contoso",
        "--offer",
        "sensor",
    ];
    ends(&edgemart(home.path(), &init, ""), 0);
    ends(&edgemart(home.path(), &init, ""), 6);
    let fresh = edgemart(home.path(), &["offer", "lint", "o", "-o", "json"], "");
    ends(&fresh, 5);
    let told: Value = serde_json::from_str(&stdout(&fresh)).unwrap();
    let places: Vec<&str> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["place"].as_str().unwrap())
        .collect();
    for place in [
        "listing.title",
        "listing.support_contact.email",
        "properties.licence",
    ] {
        assert!(places.contains(&place), "{place} is not in {places:?}");
    }
    // What init wrote itself needs no mending.
    for place in [
        "listing.description",
        "listing.logos.small",
        "plans.standard.defaults.create_options",
    ] {
        assert!(!places.contains(&place), "{place}: {told:#}");
    }

    let yaml = home.path().join("o/offer.yaml");
    let text = std::fs::read_to_string(&yaml).unwrap();
    std::fs::write(&yaml, filled(&text)).unwrap();
    let done = edgemart(home.path(), &["offer", "lint", "o"], "");
    ends(&done, 0);
    assert!(
        stderr(&done).contains("contoso.sensor: passed"),
        "{}",
        stderr(&done)
    );

    std::fs::write(home.path().join("o/logos/40x40.png"), b"GIF89a").unwrap();
    let github = edgemart(
        home.path(),
        &["offer", "lint", "o", "--format", "github"],
        "",
    );
    ends(&github, 5);
    assert!(
        stdout(&github).starts_with("::error file=o/offer.yaml,title=LST-02 "),
        "{}",
        stdout(&github)
    );

    std::fs::write(&yaml, "publisher: contoso\noffer: sensor\ntitel: x\n").unwrap();
    let misspelt = edgemart(home.path(), &["offer", "lint", "o"], "");
    ends(&misspelt, 5);
    assert!(stderr(&misspelt).contains("titel"), "{}", stderr(&misspelt));
    ends(&edgemart(home.path(), &["offer", "lint", "nowhere"], ""), 3);
}

/// The skeleton with what only a publisher knows.
fn filled(text: &str) -> String {
    let mut text = text.to_owned();
    for (empty, full) in [
        ("  title: ''\n  # One", "  title: Simulated Sensor\n  # One"),
        (
            "  summary: ''\n  # Plain",
            "  summary: Readings without hardware.\n  # Plain",
        ),
        (
            "  short_description: ''",
            "  short_description: Sends the readings of a simulated machine.",
        ),
        (
            "  privacy_policy_url: ''",
            "  privacy_policy_url: https://contoso.example/privacy",
        ),
        (
            "  documentation_url: ''",
            "  documentation_url: https://contoso.example/docs",
        ),
        (
            "  useful_links: []",
            "  useful_links:\n    - title: Documentation\n      url: https://contoso.example/docs\n    - title: Devices\n      url: https://contoso.example/devices\n    - title: Notices\n      url: https://contoso.example/notices",
        ),
        (
            "  support_contact:\n    name: ''\n    email: ''\n    phone: ''\n    url: ''",
            "  support_contact:\n    name: Contoso\n    email: support@contoso.example\n    phone: +1 425 555 0100\n    url: https://contoso.example/support",
        ),
        (
            "  engineering_contact:\n    name: ''\n    email: ''\n    phone: ''",
            "  engineering_contact:\n    name: Contoso\n    email: edge@contoso.example\n    phone: +1 425 555 0101",
        ),
        ("  categories: []", "  categories: [simulation]"),
        ("  licence: ''", "  licence: MIT"),
        (
            "    summary: ''\n    # HTML",
            "    summary: Everything, free of charge.\n    # HTML",
        ),
        ("    description: ''", "    description: <p>Everything.</p>"),
        (
            "      registry: ''\n      repository: ''",
            "      registry: registry.contoso.example\n      repository: contoso/sensor",
        ),
        (
            "      tags:\n        - latest\n        - 1.0.0\n",
            "      tags:\n        - latest\n        - 1.0.0\n        - '1.0'\n",
        ),
    ] {
        assert!(text.contains(empty), "the skeleton has no {empty:?}");
        text = text.replacen(empty, full, 1);
    }
    text
}

#[test]
fn add_shows_the_change_then_makes_exactly_that_one() {
    let home = home();
    let url = marketplace();
    let file = home.path().join("deployment.template.json");
    std::fs::write(&file, TEMPLATE).unwrap();
    let add = |more: &[&str]| {
        let mut arguments = vec![
            "--url",
            &url,
            "add",
            "contoso.filter",
            "--file",
            "deployment.template.json",
        ];
        arguments.extend(more);
        edgemart(home.path(), &arguments, "")
    };

    let unfilled = add(&[]);
    ends(&unfilled, 5);
    assert!(
        stderr(&unfilled).contains("SOURCE (in routes.ToFilter)"),
        "{}",
        stderr(&unfilled)
    );
    let misspelt = add(&["--set", "SORCE=Sensor"]);
    ends(&misspelt, 2);
    assert!(
        stderr(&misspelt).contains("did you mean SOURCE?"),
        "{}",
        stderr(&misspelt)
    );

    let dry = add(&["--set", "SOURCE=Sensor", "--dry-run"]);
    ends(&dry, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), TEMPLATE);
    assert!(
        stdout(&dry)
            .starts_with("--- a/deployment.template.json\n+++ b/deployment.template.json\n@@ "),
        "{}",
        stdout(&dry)
    );

    let done = add(&["--set", "SOURCE=Sensor"]);
    ends(&done, 0);
    assert_eq!(stdout(&done), "");
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.contains("}, // as it came\n"), "{after}");
    assert!(
        after.contains("FROM /messages/modules/Sensor/outputs/* INTO BrokeredEndpoint"),
        "{after}"
    );
    assert_eq!(applied(TEMPLATE, &stdout(&dry)), after);
    ends(
        &edgemart(
            home.path(),
            &["deployment", "validate", "deployment.template.json"],
            "",
        ),
        0,
    );

    let again = add(&["--set", "SOURCE=Sensor", "-o", "json"]);
    ends(&again, 6);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
    let problem: Value = serde_json::from_str(&stderr(&again)).unwrap();
    let conflicts = problem["conflicts"].as_array().unwrap();
    assert!(
        conflicts
            .iter()
            .any(|one| one["what"].to_string().contains("Filter")),
        "{conflicts:?}"
    );
    // Under another name only the host port is in the way.
    let second = add(&["--set", "SOURCE=Sensor", "--name", "Second"]);
    ends(&second, 6);
    assert!(stderr(&second).contains("8081"), "{}", stderr(&second));
}

/// Applies a patch as `patch` does, hunk by hunk.
fn applied(before: &str, patch: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let (mut at, mut new) = (0, Vec::new());
    for line in patch.lines().skip(2) {
        if let Some(hunk) = line.strip_prefix("@@ -") {
            let start: usize = hunk.split([',', ' ']).next().unwrap().parse().unwrap();
            new.extend(&old[at..start - 1]);
            at = start - 1;
            continue;
        }
        let (mark, text) = line.split_at(1);
        if mark != "+" {
            assert_eq!(old[at], text);
            at += 1;
        }
        if mark != "-" {
            new.push(text);
        }
    }
    new.extend(&old[at..]);
    new.join("\n") + "\n"
}

#[test]
fn a_layered_file_takes_a_layer_and_a_missing_one_is_told() {
    let home = home();
    let url = marketplace();
    let layered = "{\n  \"modulesContent\": {\n    \"$edgeAgent\": {}\n  }\n}\n";
    std::fs::write(home.path().join("layer.json"), layered).unwrap();
    let arguments = [
        "add",
        "contoso/filter",
        "--file",
        "layer.json",
        "--set",
        "SOURCE=Sensor",
        "--url",
        &url,
    ];
    ends(&edgemart(home.path(), &arguments, ""), 0);
    let after = std::fs::read_to_string(home.path().join("layer.json")).unwrap();
    assert!(
        after.contains("\"properties.desired.modules.Filter\""),
        "{after}"
    );
    let missing = edgemart(
        home.path(),
        &[
            "add",
            "contoso.filter",
            "--file",
            "none.json",
            "--url",
            &url,
        ],
        "",
    );
    ends(&missing, 3);
    assert!(
        stderr(&missing).contains("edgemart manifest contoso.filter > none.json"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn failures_of_a_marketplace_have_their_exit_codes() {
    let home = home();
    let url = marketplace();
    ends(
        &edgemart(home.path(), &["show", "contoso.nothing", "--url", &url], ""),
        3,
    );
    ends(
        &edgemart(home.path(), &["show", "no-dot", "--url", &url], ""),
        2,
    );
    let nobody = edgemart(home.path(), &["token", "list", "--url", &url], "");
    ends(&nobody, 4);
    assert!(
        stderr(&nobody).contains("edgemart login"),
        "{}",
        stderr(&nobody)
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let unreachable = edgemart(
        home.path(),
        &[
            "search",
            "x",
            "--url",
            &format!("http://{closed}"),
            "-o",
            "json",
        ],
        "",
    );
    ends(&unreachable, 7);
    let problem: Value = serde_json::from_str(&stderr(&unreachable)).unwrap();
    assert_eq!(problem["exit_code"], 7);

    let empty = edgemart(home.path(), &["search", "--url", &url, "-o", "json"], "");
    ends(&empty, 0);
    let found: Value = serde_json::from_str(&stdout(&empty)).unwrap();
    assert_eq!(found["items"], serde_json::json!([]));
    let yaml = edgemart(
        home.path(),
        &["show", "contoso.filter", "--url", &url, "-o", "yaml"],
        "",
    );
    ends(&yaml, 0);
    assert!(
        stdout(&yaml).starts_with("id: contoso.filter\n"),
        "{}",
        stdout(&yaml)
    );
    let interactive = edgemart(home.path(), &["login", "--url", &url], "");
    ends(&interactive, 2);
    assert!(
        stderr(&interactive).contains("--password-stdin"),
        "{}",
        stderr(&interactive)
    );
}

#[test]
fn every_verb_explains_itself_with_an_example_first() {
    let home = home();
    for verb in [
        "search",
        "show",
        "manifest",
        "add",
        "deployment validate",
        "offer init",
        "offer lint",
        "offer push",
        "offer submit",
        "offer status",
        "offer go-live",
        "offer cancel",
        "login",
        "logout",
        "token list",
        "token create",
        "token revoke",
        "admin publisher approve",
        "admin publisher refuse",
        "admin review list",
        "admin review approve",
        "admin review reject",
        "admin policy show",
        "admin policy set",
        "admin users list",
        "admin users disable",
        "admin users enable",
        "admin users roles",
        "admin set-up",
        "admin keys list",
        "admin keys rotate",
        "admin keys new",
        "admin backup",
        "admin restore",
        "completions",
    ] {
        let mut arguments: Vec<&str> = verb.split(' ').collect();
        arguments.push("--help");
        let help = edgemart(home.path(), &arguments, "");
        ends(&help, 0);
        assert!(
            stdout(&help).starts_with(&format!("Example:\n  edgemart {verb}")),
            "{verb}: {}",
            stdout(&help)
        );
    }
    let completions = edgemart(home.path(), &["completions", "bash"], "");
    ends(&completions, 0);
    assert!(stdout(&completions).contains("_edgemart"), "no completions");
}
