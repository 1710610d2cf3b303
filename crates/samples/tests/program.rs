//! The program inside the images really runs: on this machine, and for the other platforms under user-mode emulation
//! (Debian's `qemu-user-static`, which `make test` installs).

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test by panicking"
)]

mod running;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use running::{Running, program, temporary};

const EVERYWHERE: &str = "127.0.0.1:0";

#[test]
fn every_module_starts_with_its_defaults_and_stops_on_sigterm_on_every_platform() {
    for platform in samples::PLATFORMS {
        for module in samples::modules() {
            let directory = temporary(&format!(
                "start-{}-{}",
                platform.replace('/', "-"),
                module.name
            ));
            let mut settings = vec![("DIRECTORY", directory.to_str().unwrap())];
            // The port is the one default that a busy machine cannot keep.
            if module.port.is_some() {
                settings.push(("LISTEN", EVERYWHERE));
            }
            let mut module_run = Running::start(platform, module.name, &settings);
            let line = module_run.line_with("started");
            assert!(
                line.contains(&format!(r#""module":"{}""#, module.name)),
                "{line}"
            );
            module_run.stop();
        }
    }
}

#[test]
fn the_sensor_sends_readings_and_repeats_them() {
    let settings = [
        ("INTERVAL_SECONDS", "0.05"),
        ("SEED", "7"),
        ("MESSAGE_COUNT", "3"),
    ];
    let readings = || {
        let mut sensor = Running::start("linux/amd64", "temperature-sensor", &settings);
        sensor.line_with("started");
        let values: Vec<String> = (0..3)
            .map(|_| {
                let reading: serde_json::Value = serde_json::from_str(&sensor.line()).unwrap();
                reading["machine"]["temperature"].to_string()
            })
            .collect();
        sensor.line_with("MESSAGE_COUNT reached");
        sensor.stop();
        values
    };
    assert_eq!(readings(), readings());
}

#[test]
fn the_filter_passes_what_is_beyond_its_limit_from_lines_and_requests() {
    let mut filter = Running::start(
        "linux/amd64",
        "threshold-filter",
        &[("LISTEN", EVERYWHERE), ("THRESHOLD", "25")],
    );
    let address = filter.address();
    let mut lines = TcpStream::connect(&address).unwrap();
    lines
        .write_all(b"{\"machine\":{\"temperature\":24}}\n{\"machine\":{\"temperature\":26.5}}\n")
        .unwrap();
    let alert: serde_json::Value = serde_json::from_str(&filter.line()).unwrap();
    assert_eq!(alert["alert"]["value"], serde_json::json!(26.5));
    assert_eq!(
        alert["message"]["machine"]["temperature"],
        serde_json::json!(26.5)
    );
    assert!(
        request(
            &address,
            "POST / HTTP/1.1",
            "{\"machine\":{\"temperature\":30}}\n"
        )
        .starts_with("HTTP/1.1 204")
    );
    assert!(filter.line().contains(r#""value":30,"#));
    let refusal = request(&address, "POST / HTTP/1.1", "{\"machine\":1}\n");
    assert!(
        refusal.starts_with("HTTP/1.1 422") && refusal.contains("machine.temperature"),
        "{refusal}"
    );
    assert!(request(&address, "GET /healthz HTTP/1.1", "").starts_with("HTTP/1.1 200"));
    filter.stop();
}

#[test]
fn the_aggregator_tells_the_unfinished_window_at_shutdown() {
    let settings = [
        ("LISTEN", EVERYWHERE),
        ("FIELD", "v"),
        ("WINDOW_SECONDS", "600"),
    ];
    let mut aggregator = Running::start("linux/amd64", "window-aggregator", &settings);
    let address = aggregator.address();
    assert!(
        request(&address, "POST / HTTP/1.1", "{\"v\":1}\n{\"v\":3}\n").starts_with("HTTP/1.1 204")
    );
    aggregator.signal();
    let window: serde_json::Value = serde_json::from_str(&aggregator.line()).unwrap();
    assert_eq!(
        (&window["count"], &window["mean"]),
        (&serde_json::json!(2), &serde_json::json!(2))
    );
    aggregator.stop();
}

#[test]
fn the_forwarder_repeats_what_was_not_taken() {
    let server = TcpListener::bind(EVERYWHERE).unwrap();
    let url = format!("http://{}/in", server.local_addr().unwrap());
    let settings = [
        ("LISTEN", EVERYWHERE),
        ("POST_URL", url.as_str()),
        ("RETRY_SECONDS", "0.05"),
    ];
    let mut forwarder = Running::start("linux/amd64", "http-forwarder", &settings);
    let address = forwarder.address();
    assert!(
        request(&address, "POST / HTTP/1.1", "{\"n\":1}\n{\"n\":2}\n").starts_with("HTTP/1.1 204")
    );
    let mut body = String::new();
    let mut refused = 0;
    while !body.contains("{\"n\":2}") {
        let (mut stream, _) = server.accept().unwrap();
        let taken = take_request(&mut stream);
        assert!(taken.starts_with("POST /in HTTP/1.1\r\n"), "{taken}");
        if refused == 0 {
            refused += 1;
            stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
                .unwrap();
            continue;
        }
        body.push_str(taken.split_once("\r\n\r\n").unwrap().1);
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
    }
    assert_eq!(body, "{\"n\":1}\n{\"n\":2}\n");
    forwarder.line_with("it answered 503");
    forwarder.line_with("again; 0 lines were dropped");
    forwarder.stop();
}

#[test]
fn an_unfilled_placeholder_is_told_and_not_fatal() {
    let settings = [
        ("LISTEN", EVERYWHERE),
        ("POST_URL", "http://<MY_SERVER_IP_ADDRESS>:8080/messages"),
    ];
    let mut forwarder = Running::start("linux/amd64", "http-forwarder", &settings);
    forwarder.line_with("POST_URL still holds a placeholder");
    forwarder.stop();
}

#[test]
fn the_store_keeps_lines_over_a_restart() {
    let directory = temporary("store");
    for line in ["first", "second"] {
        let settings = [
            ("LISTEN", EVERYWHERE),
            ("DIRECTORY", directory.to_str().unwrap()),
        ];
        let mut store = Running::start("linux/amd64", "file-store", &settings);
        let address = store.address();
        assert!(request(&address, "POST / HTTP/1.1", line).starts_with("HTTP/1.1 204"));
        store.stop();
    }
    assert_eq!(
        std::fs::read_to_string(directory.join("lines.0.jsonl")).unwrap(),
        "first\nsecond\n"
    );
}

#[test]
fn the_counter_stops_at_a_thousand_parts_without_a_licence() {
    for (key, status, parts) in [("<MY_LICENSE_KEY>", "422", 1000), ("NW-1", "204", 1001)] {
        let mut counter = Running::start(
            "linux/amd64",
            "line-counter",
            &[("LISTEN", EVERYWHERE), ("LICENSE_KEY", key)],
        );
        let started = counter.line_with("started");
        assert!(!started.contains("NW-1"), "the key is logged: {started}");
        let address = counter.address();
        let answer = request(&address, "POST / HTTP/1.1", &"part\n".repeat(1001));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        counter.signal();
        counter.line_with(&format!(r#""parts":{parts},"#));
        counter.stop();
    }
}

#[test]
fn the_modbus_simulator_answers_and_keeps_what_is_written() {
    let mut simulator =
        Running::start("linux/amd64", "modbus-simulator", &[("LISTEN", EVERYWHERE)]);
    let mut client = TcpStream::connect(simulator.address()).unwrap();
    let mut exchange = |unit: &[u8], length: usize| {
        let mut frame = vec![0, 9, 0, 0, 0, unit.len() as u8 + 1, 1];
        frame.extend_from_slice(unit);
        client.write_all(&frame).unwrap();
        let mut reply = vec![0; 7 + length];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(reply[..7], [0, 9, 0, 0, 0, length as u8 + 1, 1]);
        reply.split_off(7)
    };
    assert_eq!(exchange(&[6, 0, 50, 0xab, 0xcd], 5), [6, 0, 50, 0xab, 0xcd]);
    assert_eq!(exchange(&[3, 0, 50, 0, 1], 4), [3, 2, 0xab, 0xcd]);
    let temperature = exchange(&[4, 0, 0, 0, 1], 4);
    assert!((400..=450).contains(&u16::from_be_bytes([temperature[2], temperature[3]])));
    assert_eq!(exchange(&[43, 14, 1, 0], 2), [0xab, 1]);
    simulator.stop();
}

#[test]
fn wrong_settings_are_all_named_at_once() {
    let output = std::process::Command::new(program("linux/amd64", "temperature-sensor"))
        .envs([("INTERVAL_SECONDS", "soon"), ("MESSAGE_COUNT", "-1")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "INTERVAL_SECONDS is \\\"soon\\\"",
        "MESSAGE_COUNT is \\\"-1\\\"",
        "0.05 to 86400",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

/// One request on a connection of its own, and the whole answer.
fn request(address: &str, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{line}\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Reads one request with its body.
fn take_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "))
                .unwrap();
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the request ended early: {text}");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
}
