//! `edgemart try IMAGE` on a real engine: one module without a fault, and one for each way to fail. Each fails exactly its
//! own rule, what could not be reached because of it says so, and nothing is left behind. Takes root and Podman.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

#[path = "trial/bench.rs"]
mod bench;

use std::sync::Mutex;

use bench::{Bench, Case, Sdk};

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
    let verdict: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
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
fn an_engine_or_image_that_is_not_there_is_said() {
    let bench = Bench::without_engine();
    let output = bench.tried_image("contoso/none:1", &["--engine", "unix:///nowhere.sock"]);
    assert_eq!(output.status.code(), Some(7));
    let output = bench.tried_image("contoso/none:1", &["--engine", "tcp://10.0.0.1:2375"]);
    assert_eq!(output.status.code(), Some(2));
}
