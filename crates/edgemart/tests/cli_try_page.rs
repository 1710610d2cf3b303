//! `edgemart try` while it runs: its page, what one does there, what ends it, and that nothing stays. Programs only, no
//! containers. Each test listens on a loopback address of its own, because the SDKs know one port.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

#[path = "trial/live.rs"]
mod live;
#[path = "trial/sensor.rs"]
mod sensor;

use std::path::Path;

use live::{Live, request};
use serde_json::{Value, json};

fn sensor(address: &str) -> Live {
    let route = "FROM /messages/modules/m/outputs/out INTO $upstream";
    let arguments = sensor::arguments(address, "m", 1, &["--route", route]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Live::start(&arguments, &[])
}

/// Whether a process is there.
fn lives(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // One that has ended and was not waited for is gone, too.
    !stat.is_empty() && !stat.contains(") Z ")
}

fn of_kind<'a>(told: &'a Value, kind: &str) -> Option<&'a Value> {
    let events = told["events"].as_array().unwrap();
    events.iter().find(|event| event["event"] == kind)
}

#[test]
fn messages_show_with_their_routes_and_the_module_is_acted_on() {
    let mut live = sensor("127.9.2.1");
    let told = live.until(|told| of_kind(told, "routed").is_some());
    let routed = of_kind(&told, "routed").unwrap();
    assert_eq!(
        (&routed["to"], &routed["route"]),
        (&json!("$upstream"), &json!("route1"))
    );
    assert_eq!(
        of_kind(&told, "message").unwrap()["text"],
        "{\"temperature\": 21.5}"
    );
    let told = live.until(|told| told["modules"][0]["cpu_permille"].is_u64());
    let seen = &told["modules"][0];
    assert_eq!(
        (&seen["name"], &seen["phase"]),
        (&json!("m"), &json!("running"))
    );
    assert_eq!(seen["connected"], true);
    assert!(seen["memory_bytes"].as_u64().unwrap() > 1_000_000, "{seen}");
    assert!(seen["messages_per_minute"].as_u64().unwrap() > 0, "{seen}");
    assert_eq!(
        (&seen["methods"], &seen["inputs"]),
        (&json!(["ping"]), &json!(["in"]))
    );

    let ping = json!({"order": "call", "module": "m", "name": "ping", "body": null});
    assert_eq!(
        live.act(&ping),
        (200, json!({"status": 200, "payload": {}}))
    );
    let input = json!({"order": "input", "module": "m", "name": "in", "body": {"a": 1}});
    assert_eq!(live.act(&input).0, 200);
    live.until(|told| of_kind(told, "input-taken").is_some());

    // The whole section is sent; what is no longer in it goes.
    let desired = json!({"order": "desired", "module": "m", "desired": {"limit": 5}});
    assert_eq!(live.act(&desired), (200, json!({"version": 2})));
    let told = live.until(|told| of_kind(told, "desired-changed").is_some());
    let patch = &of_kind(&told, "desired-changed").unwrap()["patch"];
    assert_eq!(patch, &json!({"interval": null, "limit": 5}));
    let (host, path) = live.page();
    let twin = request(&host, "GET", &format!("{path}twin?module=m"), &host, "");
    let twin: Value = serde_json::from_str(&twin.body).unwrap();
    assert_eq!(twin["desired"], json!({"limit": 5, "$version": 2}));

    let outage = json!({"order": "outage", "seconds": 1});
    assert_eq!(live.act(&outage).0, 200);
    live.until(|told| of_kind(told, "hub-stopped").is_some() && told["hub_away"] == false);
    assert_eq!(live.signal("TERM").code(), Some(0), "{:?}", live.heard);
    assert_eq!(live.left_files(), [] as [String; 0]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut live = Live::start(
        &["--no-container", "--address", "127.9.2.2", "--name", "m"],
        &[],
    );
    for (order, status, part) in [
        (
            json!({"order": "call", "module": "m", "name": "x", "body": null}),
            422,
            "not connected",
        ),
        (
            json!({"order": "call", "module": "other", "name": "x", "body": null}),
            422,
            "no module",
        ),
        (
            json!({"order": "input", "module": "m", "name": "a/b", "body": 1}),
            422,
            "no name of an input",
        ),
        (
            json!({"order": "desired", "module": "m", "desired": {"$x": 1}}),
            422,
            "property name",
        ),
        (
            json!({"order": "desired", "module": "m", "desired": [1]}),
            422,
            "map",
        ),
        (json!({"order": "outage", "seconds": 0}), 422, "1 to 600"),
        (json!({"order": "dance"}), 422, "dance"),
    ] {
        let (found, said) = live.act(&order);
        assert_eq!(found, status, "{order}: {said}");
        assert!(said["problem"].as_str().unwrap().contains(part), "{said}");
    }
    assert_eq!(live.signal("INT").code(), Some(0));
}

#[test]
fn the_page_is_for_whoever_has_its_address() {
    let mut live = Live::start(&["--no-container", "--address", "127.9.2.3"], &[]);
    let string = live.hear("export EdgeHubConnectionString='");
    assert!(string.contains("ModuleId=module1") && string.contains("SharedAccessKey="));
    let authority = live.hear("export EdgeModuleCACertificateFile='");
    assert!(Path::new(authority.trim_end_matches('\'')).exists());
    let (host, path) = live.page();
    let port = host.rsplit(':').next().unwrap().to_owned();
    let page = request(&host, "GET", &path, &host, "");
    assert_eq!(page.status, 200);
    for address in page
        .body
        .split("href=\"/")
        .skip(1)
        .chain(page.body.split("src=\"/").skip(1))
    {
        let file = address.split('"').next().unwrap();
        assert_eq!(
            request(&host, "GET", &format!("/{file}"), &host, "").status,
            200,
            "{file}"
        );
    }
    assert_eq!(
        request(&host, "GET", &path, &format!("localhost:{port}"), "").status,
        200
    );
    for wrong in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1"] {
        assert_eq!(
            request(&host, "GET", &path, wrong, "").status,
            421,
            "{wrong}"
        );
        assert_eq!(
            request(&host, "POST", &format!("{path}act"), wrong, "{}").status,
            421
        );
    }
    let other = format!("{}A/", path.trim_end_matches('/'));
    for wrong in ["/", "/poll", "/x/poll", &other] {
        assert_eq!(
            request(&host, "GET", wrong, &host, "").status,
            404,
            "{wrong}"
        );
    }
    assert_eq!(live.signal("HUP").code(), Some(0));
    assert_eq!(live.left_files(), [] as [String; 0]);
}

#[test]
fn whatever_ends_it_nothing_stays() {
    for (at, signal) in ["INT", "TERM", "HUP"].iter().enumerate() {
        let address = format!("127.9.3.{}", at + 1);
        // The grandchild ignores what its parent would hear.
        let script = "(trap '' TERM; echo grandchild $(exec sh -c 'echo $PPID'); while :; do read -t 1 _ < /dev/zero; done) & echo child $$; wait";
        let mut live = Live::start(&["--address", &address, "--", "bash", "-c", script], &[]);
        let (child, grandchild) = (live.hear("child "), live.hear("grandchild "));
        assert!(lives(&child) && lives(&grandchild), "{child} {grandchild}");
        assert_eq!(live.signal(signal).code(), Some(0), "{:?}", live.heard);
        assert!(!lives(&child) && !lives(&grandchild), "{signal}");
        assert_eq!(live.left_files(), [] as [String; 0], "{signal}");
    }
}

#[test]
fn a_program_does_not_outlive_a_run_that_fails() {
    // It may be ended before it says a word; a number that no other process has tells it.
    let script = "sleep 61207.5 & wait";
    let mut live = Live::unwritten(&["--address", "127.9.2.7", "--", "sh", "-c", script], &[]);
    assert_eq!(live.end().code(), Some(1), "{:?}", live.heard);
    let left = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let line = std::fs::read_to_string(entry.path().join("cmdline"));
            line.is_ok_and(|line| line.contains("61207.5"))
        });
    assert_eq!(left.count(), 0);
    assert_eq!(live.left_files(), [] as [String; 0]);
}

#[test]
fn a_program_that_ends_starts_again_as_the_agent_does_it() {
    let mut live = Live::start(
        &[
            "--address",
            "127.9.2.4",
            "--restart",
            "on-failure",
            "--",
            "sh",
            "-c",
            "exit 3",
        ],
        &[],
    );
    let told = live.until(|told| told["modules"][0]["phase"] == "back-off");
    let seen = &told["modules"][0];
    assert_eq!(
        (&seen["code"], &seen["pause_seconds"]),
        (&json!(3), &json!(10))
    );
    assert!(seen["again_in_seconds"].as_u64().unwrap() <= 10, "{seen}");
    let told = live.until(|told| {
        told["modules"][0]["restarts"] == 1 && told["modules"][0]["phase"] == "back-off"
    });
    assert_eq!(told["modules"][0]["pause_seconds"], 20);
    assert_eq!(live.signal("TERM").code(), Some(0));
    let mut over = Live::start(
        &[
            "--address",
            "127.9.2.5",
            "--restart",
            "on-failure",
            "--",
            "true",
        ],
        &[],
    );
    assert_eq!(over.end().code(), Some(0), "it ended well and stays so");
}

#[test]
fn a_compose_file_says_how_the_modules_are_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    let options = r#"{"User":"1000","HostConfig":{"Memory":33554432,"CapDrop":["ALL"],"Tmpfs":{"/data":""}}}"#;
    let mut live = Live::start(
        &[
            "contoso/sensor:1",
            "--name",
            "m",
            "--with",
            "f=contoso/filter:2",
            "--env",
            "PRICE=5$",
            "--create-options",
            options,
            "--compose",
            file.to_str().unwrap(),
        ],
        &[],
    );
    live.hear("Start the modules with `docker compose");
    let text = std::fs::read_to_string(&file).unwrap();
    let read: Value = serde_saphyr::from_str(&text).unwrap();
    let sensor = &read["services"]["m"];
    assert_eq!(
        (&sensor["image"], &sensor["user"]),
        (&json!("contoso/sensor:1"), &json!("1000"))
    );
    assert_eq!(sensor["environment"]["PRICE"], "5$$");
    assert_eq!(sensor["environment"]["IOTEDGE_MODULEID"], "m");
    assert_eq!(
        sensor["environment"]["IOTEDGE_WORKLOADURI"],
        "unix:///var/run/iotedge/workload.sock"
    );
    assert_eq!(
        (&sensor["mem_limit"], &sensor["tmpfs"]),
        (&json!(33_554_432), &json!(["/data"]))
    );
    let volume = sensor["volumes"][0].as_str().unwrap();
    let socket = volume.split(':').next().unwrap();
    assert!(Path::new(socket).exists(), "{volume}");
    assert_eq!(read["services"]["f"]["image"], "contoso/filter:2");
    let network = &read["networks"]["edge"];
    assert_eq!(
        (&network["internal"], &network["name"]),
        (&json!(true), &json!("edgemart-try"))
    );
    assert_eq!(live.signal("TERM").code(), Some(0));
    assert!(!Path::new(socket).exists());
}

#[test]
fn an_offers_own_routes_values_and_twin_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "offer.yaml",
        "publisher: contoso\noffer: sensor\nplans:\n  - plan: standard\n    defaults:\n      module_name: Sensor\n      routes:\n        - name: up\n          value: FROM /messages/modules/Sensor/outputs/out INTO $upstream\n      twin:\n        - name: server\n          value: <SERVER>\n    image:\n      repository: incoming/contoso/sensor\n",
    );
    let dir = folder.path().to_str().unwrap().to_owned();
    let mut open = Live::start(&[&dir, "--no-container", "--address", "127.9.2.6"], &[]);
    assert_eq!(open.end().code(), Some(5));
    let open = open.heard.join("\n");
    assert!(open.contains("SERVER") && open.contains("--set"), "{open}");
    write(
        "certify.yaml",
        "plans:\n  standard:\n    placeholders: {SERVER: from-the-overlay}\n    methods:\n      - name: reset\n",
    );
    let mut live = Live::start(
        &[
            &dir,
            "--no-container",
            "--address",
            "127.9.2.6",
            "--name",
            "S2",
        ],
        &[],
    );
    let (host, path) = live.page();
    let twin = request(&host, "GET", &format!("{path}twin?module=S2"), &host, "");
    assert!(twin.body.contains("from-the-overlay"), "{}", twin.body);
    let told = live.until(|told| told["modules"][0]["methods"] == json!(["reset"]));
    assert_eq!(told["modules"][0]["phase"], "by-hand");
    assert_eq!(live.signal("TERM").code(), Some(0));
}
