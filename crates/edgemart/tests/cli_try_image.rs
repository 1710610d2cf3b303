//! `edgemart try IMAGE` on a real engine. With `--check`, one module without a fault and one for each way to fail: each fails
//! exactly its own rule, what could not be reached because of it says so. Without it, modules that run side by side until
//! somebody has seen enough. Nothing is left behind. Takes root and Podman.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

#[path = "trial/bench.rs"]
mod bench;
#[path = "trial/live.rs"]
mod live;

use std::sync::Mutex;

use bench::{Bench, Case, Sdk};
use live::Live;
use serde_json::{Value, json};

/// Cases that run at once: two cores carry so many.
const AT_ONCE: usize = 4;

/// Mode of the fixture, rules that it breaks, and what more it is started with.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("good", &[], &[]),
    ("crashes-at-once", &["RUN-01"], &[]),
    ("crashes-later", &["RUN-02"], &[]),
    ("dies-of-methods", &["RUN-02"], &[]),
    ("generic", &["RUN-03"], &[]),
    ("bundle-only", &["RUN-03"], &[]),
    ("signs-only", &["RUN-04"], &[]),
    ("wrong-name", &["RUN-04"], &[]),
    ("bad-hmac", &["RUN-05"], &[]),
    ("expired", &["RUN-05"], &[]),
    ("wrong-audience", &["RUN-05"], &[]),
    ("amqp-only", &["RUN-05"], &[]),
    ("silent", &["RUN-06"], &[]),
    ("other-output", &["RUN-06"], &[]),
    ("bad-json", &["RUN-07"], &[]),
    ("no-twin", &["RUN-08"], &[]),
    ("ignores-desired", &["RUN-09"], &[]),
    ("deaf-to-desired", &["RUN-09"], &[]),
    ("late-methods", &["RUN-10"], &[]),
    ("knows-all", &["RUN-10"], &[]),
    ("ignores-inputs", &["RUN-11"], &[]),
    ("ignores-sigterm", &["RUN-12"], &[]),
    ("vanishes", &["RUN-12"], &[]),
    (
        "second-start",
        &["RUN-13"],
        &["--create-options", r#"{"User":"0"}"#],
    ),
    ("dies-of-outage", &["RUN-14"], &[]),
    ("asks-names", &["RUN-15"], &[]),
    ("phones-home", &["RUN-15"], &[]),
    ("no-product", &["RUN-16"], &[]),
    (
        "needs-chown",
        &["RUN-17"],
        &[
            "--create-options",
            r#"{"User":"0","HostConfig":{"Tmpfs":{"/data":""}}}"#,
        ],
    ),
    (
        "writes-root",
        &["RUN-18"],
        &["--create-options", r#"{"User":"0"}"#],
    ),
    (
        "writes-tmp",
        &["RUN-18"],
        &["--create-options", r#"{"User":"0"}"#],
    ),
    (
        "needs-device",
        &["RUN-01"],
        &[
            "--create-options",
            r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/ttyUSB0"}]}}"#,
        ],
    ),
    (
        "keeps-token",
        &["RUN-19"],
        &["--long-run", "300", "--env", "TOKEN_SECONDS=75"],
    ),
    (
        "renews-token",
        &[],
        &["--long-run", "300", "--env", "TOKEN_SECONDS=45"],
    ),
    (
        "eats-memory",
        &["FTP-01"],
        &["--create-options", r#"{"HostConfig":{"Memory":67108864}}"#],
    ),
    ("busy", &["FTP-02"], &[]),
    ("floods", &["FTP-03"], &[]),
];

/// Two engines that do not know of each other would give the same addresses to their networks.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn each_broken_module_fails_exactly_its_rule() {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let bench = Bench::start();
    let only = std::env::var("EDGEMART_TRY_CASES").unwrap_or_default();
    let wanted = |mode: &str| only.is_empty() || only.split(',').any(|one| one == mode);
    let waiting: Vec<_> = CASES
        .iter()
        .filter(|(mode, ..)| wanted(mode))
        .rev()
        .collect();
    let waiting = Mutex::new(waiting);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((mode, broken, more)) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    let case = Case { mode, broken, more };
                    if let Err(what) = bench.judge(&case) {
                        wrong.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let left = bench.left_behind();
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(left, "", "containers and networks are removed");
}

#[test]
fn a_module_on_the_official_python_sdk_passes_every_check() {
    passes_every_check(Sdk::Python);
}

#[test]
fn a_module_on_the_official_node_sdk_passes_every_check() {
    passes_every_check(Sdk::Node);
}

fn passes_every_check(sdk: Sdk) {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (bench, archive) = Bench::with_sdk(sdk);
    let output = bench.tried_image(
        archive.to_str().unwrap(),
        &[
            "--kind",
            "source",
            "--output-name",
            "out",
            "--input",
            "in",
            "--method",
            "echo",
            "--product",
            "contoso.sensor.standard",
            "--desired",
            r#"{"start": {"interval": 5}}"#,
            "--env",
            "PRODUCT_INFO=contoso.sensor.standard",
            // The life of a token as the SDKs have it; the Node module sets its ProductInfo on this way only.
            "--env",
            "TOKEN_SECONDS=3600",
        ],
    );
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{err}\n{out}");
    let verdict: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(verdict["passed"], 23, "{verdict:#}\n{err}");
    assert_eq!(bench.left_behind(), "");
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let bench = Bench::start();
    bench.kill_halfway();
    assert_ne!(
        bench.left_behind(),
        "",
        "it was killed too early or too late"
    );
    let output = bench.tried("crashes-at-once", &[]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.contains("Removed what an earlier run left"), "{err}");
    assert_eq!(bench.left_behind(), "", "{err}");
}

#[test]
fn what_a_module_may_take_can_be_said() {
    let _turn = turn();
    let bench = Bench::start();
    let asks = [
        "--create-options",
        r#"{"HostConfig":{"Memory":1073741824}}"#,
    ];
    let refused = bench.tried("crashes-at-once", &asks);
    let err = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(5), "{err}");
    assert!(
        err.contains("1073741824 bytes of memory") && err.contains("--memory-max"),
        "{err}"
    );
    let more = [&asks[..], &["--memory-max", "1GiB"]].concat();
    let run = bench.tried("crashes-at-once", &more);
    let out = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(out.contains("\"verdict\""), "{out}");
    let device = r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/ttyUSB0"}]}}"#;
    let decided = bench.tried("crashes-at-once", &["--create-options", device]);
    let err = String::from_utf8_lossy(&decided.stderr).into_owned();
    assert_eq!(decided.status.code(), Some(0), "{err}");
    assert!(
        err.contains("Not exercised: createOptions /HostConfig/Devices: left out")
            && err.contains("ask a reviewer to decide RUN-01"),
        "{err}"
    );
    assert_eq!(bench.left_behind(), "");
}

#[test]
fn an_engine_or_image_that_is_not_there_is_said() {
    let bench = Bench::without_engine();
    let output = bench.tried_image("contoso/none:1", &["--engine", "unix:///nowhere.sock"]);
    assert_eq!(output.status.code(), Some(7));
    let output = bench.tried_image("contoso/none:1", &["--engine", "tcp://10.0.0.1:2375"]);
    assert_eq!(output.status.code(), Some(2));
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn module<'a>(told: &'a Value, name: &str) -> &'a Value {
    let modules = told["modules"].as_array().unwrap();
    modules.iter().find(|one| one["name"] == name).unwrap()
}

fn event(told: &Value, kind: &str, whose: &str) -> bool {
    let events = told["events"].as_array().unwrap();
    events
        .iter()
        .any(|one| one["event"] == kind && one["module"] == whose)
}

#[test]
fn two_modules_run_side_by_side_with_their_routes() {
    let _turn = turn();
    let bench = Bench::start();
    let route =
        r#"FROM /messages/modules/m/outputs/out INTO BrokeredEndpoint("/modules/f/inputs/in")"#;
    let beside = "f=localhost/edgemart-fixture:1";
    let (arguments, engine) = bench.live(&["--with", beside, "--route", route]);
    let began = std::time::Instant::now();
    let mut live = Live::start(&arguments, &[("EDGEMART_ENGINE", &engine)]);
    live.until(|told| event(told, "message", "m"));
    eprintln!("a message shows after {:?}", began.elapsed());
    let told = live.until(|told| {
        event(told, "input-taken", "f") && module(told, "m")["cpu_permille"].is_u64()
    });
    assert_eq!(module(&told, "f")["connected"], true);
    let memory = module(&told, "m")["memory_bytes"].as_u64().unwrap();
    assert!(memory > 1_000_000, "{memory}");
    let routed = told["events"].as_array().unwrap().iter();
    let ways: Vec<&Value> = routed
        .filter(|one| one["event"] == "routed")
        .map(|one| &one["to"])
        .collect();
    assert!(
        !ways.is_empty() && ways.iter().all(|to| **to == "f/in"),
        "{ways:?}"
    );
    let ping = json!({"order": "call", "module": "m", "name": "ping", "body": null});
    assert_eq!(live.act(&ping).0, 200);
    assert_eq!(live.signal("TERM").code(), Some(0), "{:?}", live.heard);
    assert_eq!(bench.left_behind(), "");
    assert_eq!(live.left_files(), [] as [String; 0]);
}

#[test]
fn a_compose_tool_starts_the_modules_of_the_file() {
    let _turn = turn();
    let bench = Bench::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    let route =
        r#"FROM /messages/modules/m/outputs/out INTO BrokeredEndpoint("/modules/f/inputs/in")"#;
    let options = r#"{"User":"0","HostConfig":{"Memory":134217728,"ReadonlyRootfs":true,"CapDrop":["ALL"],"Tmpfs":{"/data":""}}}"#;
    let (mut arguments, _) = bench.live(&["--with", "f=localhost/edgemart-fixture:1"]);
    arguments.extend(["--route", route, "--create-options", options]);
    arguments.extend(["--compose", file.to_str().unwrap()]);
    let mut live = Live::start(&arguments, &[]);
    let network = live.hear("needs the network first: podman");
    bench.podman(&network.split(' ').collect::<Vec<&str>>());
    bench.compose(&file, &["up", "--detach"]);
    live.until(|told| event(told, "message", "m") && event(told, "input-taken", "f"));
    let started = bench.podman(&[
        "ps",
        "--quiet",
        "--filter",
        "label=com.docker.compose.service=m",
    ]);
    let seen = bench.podman(&["inspect", started.trim()]);
    let seen: Value = serde_json::from_str(&seen).unwrap();
    let host = &seen[0]["HostConfig"];
    assert_eq!(
        (&host["Memory"], &host["ReadonlyRootfs"]),
        (&json!(134_217_728), &json!(true))
    );
    let ping = json!({"order": "call", "module": "m", "name": "ping", "body": null});
    assert_eq!(live.act(&ping).0, 200);
    bench.compose(&file, &["down"]);
    bench.podman(&["network", "rm", "edgemart-try"]);
    assert_eq!(bench.left_behind(), "");
    assert_eq!(live.signal("TERM").code(), Some(0), "{:?}", live.heard);
    assert_eq!(live.left_files(), [] as [String; 0]);
}

#[test]
fn whatever_ends_a_run_nothing_stays() {
    let _turn = turn();
    let bench = Bench::start();
    let (arguments, engine) = bench.live(&[]);
    for signal in ["INT", "TERM", "HUP"] {
        let mut live = Live::start(&arguments, &[("EDGEMART_ENGINE", &engine)]);
        live.until(|told| module(told, "m")["phase"] == "running");
        assert_ne!(bench.left_behind(), "", "it runs");
        assert_eq!(live.signal(signal).code(), Some(0), "{:?}", live.heard);
        assert_eq!(bench.left_behind(), "", "{signal}");
        assert_eq!(live.left_files(), [] as [String; 0], "{signal}");
    }
    // In the middle of the way up, and when nothing can be shown.
    let mut early = Live::start(&arguments, &[("EDGEMART_ENGINE", &engine)]);
    early.hear("podman");
    assert_eq!(early.signal("TERM").code(), Some(0), "{:?}", early.heard);
    assert_eq!(bench.left_behind(), "");
    for more in [&[][..], &["--check"]] {
        let (arguments, engine) = bench.live(more);
        let mut unwritten = Live::unwritten(&arguments, &[("EDGEMART_ENGINE", &engine)]);
        assert_eq!(unwritten.end().code(), Some(1), "{:?}", unwritten.heard);
        assert_eq!(bench.left_behind(), "", "{more:?}");
        assert_eq!(unwritten.left_files(), [] as [String; 0]);
    }
}

#[test]
fn a_container_that_ends_waits_for_its_restart_and_what_it_printed_shows() {
    let _turn = turn();
    let bench = Bench::start();
    let (arguments, engine) = bench.live(&["--env", "MODE=no-such-mode", "--create-options", r#"{"Cmd":["-c","print('goodbye'); raise SystemExit(3)"],"Entrypoint":["/usr/bin/python3"]}"#]);
    let mut live = Live::start(&arguments, &[("EDGEMART_ENGINE", &engine)]);
    let told = live.until(|told| module(told, "m")["phase"] == "back-off");
    let seen = module(&told, "m");
    assert_eq!(
        (&seen["code"], &seen["pause_seconds"]),
        (&json!(3), &json!(10))
    );
    let lines = told["lines"].as_array().unwrap();
    assert!(
        lines.iter().any(|line| line["text"] == "goodbye"),
        "{lines:?}"
    );
    live.until(|told| module(told, "m")["restarts"] == 1);
    assert_eq!(live.signal("INT").code(), Some(0));
    assert_eq!(bench.left_behind(), "");
}

/// An offer whose plan leaves a placeholder, and what a trial is told of it.
fn offer(mode: &str, overlay: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "publisher: contoso
offer: sensor
properties: {{kind: source}}
plans:
  - plan: standard
    outputs: [out]
    inputs: [in]
    defaults:
      module_name: Sensor
      routes: [{{name: up, value: 'FROM /messages/* INTO $upstream'}}]
      twin: [{{name: interval, value: 1}}]
      env:
        - {{name: SERVER, value: tcp://<SERVER>}}
        - {{name: MODE, value: {mode}}}
"
    );
    std::fs::write(folder.path().join("offer.yaml"), yaml).unwrap();
    std::fs::write(folder.path().join("certify.yaml"), overlay).unwrap();
    folder
}

#[test]
fn a_lint_that_runs_the_module_judges_it_as_the_marketplace_does() {
    let _turn = turn();
    let bench = Bench::start();
    let overlay = "plans:\n  standard:\n    placeholders: {SERVER: localhost}\n    methods: [{name: ping}]\n    inputs: [{name: in, body: {a: 1}}]\n";
    let linted = |mode: &str, overlay: &str| -> Vec<Value> {
        let folder = offer(mode, overlay);
        let output = bench.lint(folder.path());
        // The offer has no texts, so that it is blocked either way; here the rules on running count.
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let not_run: Vec<&Value> = told["not_run"].as_array().unwrap().iter().collect();
        let running = |code: &Value| {
            let code = code.as_str().unwrap();
            // A long run is for whoever asks for it.
            code != "RUN-19" && (code.starts_with("RUN") || code.starts_with("FTP"))
        };
        let mut rows: Vec<Value> = told["problems"].as_array().unwrap().clone();
        rows.retain(|row| running(&row["rule"]));
        rows.extend(not_run.into_iter().filter(|code| running(code)).cloned());
        rows
    };
    assert_eq!(linted("good", overlay), Vec::<Value>::new());
    let late = linted("late-methods", overlay);
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(late[0]["rule"], "RUN-10");
    assert_eq!(late[0]["place"], "plan standard, linux/amd64");
    let unfilled = linted("good", "");
    let (rows, not_run): (Vec<&Value>, Vec<&Value>) =
        unfilled.iter().partition(|one| one.is_object());
    assert!(not_run.len() > 15, "{unfilled:?}");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["rule"], "RUN-20");
    let evidence = rows[0]["evidence"].as_str().unwrap();
    assert!(
        evidence.contains("SERVER") && evidence.contains("certify.yaml"),
        "{evidence}"
    );
    assert_eq!(bench.left_behind(), "");
}
