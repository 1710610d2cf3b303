//! The environment judged by software we did not write: the official Python and Node SDKs, unmodified, as plain
//! processes in a network of their own.
//!
//! Needs `unshare` and `ip`, Python 3 with venv, Node with npm, and once the package registries; `scripts/packages.sh`
//! installs the former. Nothing is skipped: what is missing fails the test.

mod support;

use std::time::Duration;

use edge::log::Event;
use serde_json::{Value, json};
use support::rig::{Program, Rig, Sdk};
use support::{namespace, sdk};

/// Outside: installs and starts the test again inside. Inside: runs it.
fn test(name: &str, story: impl AsyncFnOnce()) {
    if !namespace::inside() {
        sdk::python();
        sdk::node_modules();
        return namespace::run(name);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(story());
}

fn program(sdk: Sdk) -> Program {
    let file = match sdk {
        Sdk::Python => "module.py",
        Sdk::Node => "module.js",
    };
    Program {
        sdk,
        file,
        variables: Vec::new(),
    }
}

/// By WebSocket, with tokens that the SDK renews every six seconds.
fn short_lived(sdk: Sdk) -> Program {
    let mut program = program(sdk);
    program.variables = vec![
        ("WEBSOCKETS", "1".into()),
        ("TOKEN_SECONDS", "126".into()),
        ("PRODUCT_INFO", "contoso.sensor.standard".into()),
    ];
    program
}

#[test]
fn python_by_mqtt_survives_an_outage() {
    test("python_by_mqtt_survives_an_outage", async || {
        let mut rig = Rig::start(&program(Sdk::Python)).await;
        everything(&rig, "mqtt").await;
        // The Node SDK leaves a method without a handler unanswered.
        assert_eq!(rig.call("unknown", &Value::Null).await.0, 404);
        outage(&mut rig).await;
        stops_cleanly(&mut rig).await;
    });
}

#[test]
fn node_by_mqtt_survives_an_outage() {
    test("node_by_mqtt_survives_an_outage", async || {
        let mut rig = Rig::start(&program(Sdk::Node)).await;
        everything(&rig, "mqtt").await;
        outage(&mut rig).await;
        stops_cleanly(&mut rig).await;
    });
}

#[test]
fn python_by_websocket_renews_its_token() {
    test("python_by_websocket_renews_its_token", async || {
        let mut rig = Rig::start(&short_lived(Sdk::Python)).await;
        everything(&rig, "websocket").await;
        renews(&rig).await;
        stops_cleanly(&mut rig).await;
    });
}

#[test]
fn node_by_websocket_renews_its_token() {
    test("node_by_websocket_renews_its_token", async || {
        let mut rig = Rig::start(&short_lived(Sdk::Node)).await;
        everything(&rig, "websocket").await;
        renews(&rig).await;
        stops_cleanly(&mut rig).await;
    });
}

#[test]
fn modules_call_each_other() {
    test("modules_call_each_other", async || {
        let rig = Rig::start(&program(Sdk::Python)).await;
        let _other = rig.start_other(&program(Sdk::Node));
        rig.wait(0, "the first message", is_message("out")).await;
        let reachable = |entry: &edge::log::Entry| {
            entry.module.as_deref() == Some("other") && entry.event.kind() == "message"
        };
        let patience = support::rig::PATIENCE;
        rig.environment
            .log()
            .wait_for(0, patience, reachable)
            .await
            .expect("the other module works");
        let call =
            json!({"device": "edgemart-device", "module": "other", "payload": {"deep": [1, 2]}});
        let answer = rig.call("call", &call).await;
        assert_eq!(
            answer,
            (200, json!({"status": 200, "payload": {"deep": [1, 2]}}))
        );
    });
}

#[test]
fn node_by_amqp_is_noticed() {
    test("node_by_amqp_is_noticed", async || {
        let amqp = Program {
            sdk: Sdk::Node,
            file: "amqp.js",
            variables: Vec::new(),
        };
        let rig = Rig::start(&amqp).await;
        rig.wait(0, "an AMQP attempt", |event| {
            matches!(event, Event::AmqpAttempted { .. })
        })
        .await;
    });
}

/// Connects, sends, reads its twin, reports, hears a change, answers a method, takes an input.
async fn everything(rig: &Rig, by: &str) {
    let connected = rig
        .wait(0, "a connection", |event| event.kind() == "connected")
        .await;
    let Event::Connected {
        transport,
        client_type,
        clean_session,
        ..
    } = connected.event
    else {
        unreachable!("waited for it");
    };
    assert_eq!((transport.as_str(), clean_session), (by, false));
    assert!(client_type.is_some_and(|text| !text.is_empty()));

    let message = rig.wait(0, "a message", is_message("out")).await;
    let Event::Message {
        body,
        properties,
        system,
        ..
    } = message.event
    else {
        unreachable!("waited for it");
    };
    assert!(body.json && properties["a b"] == "c/d" && system["contentType"] == "application/json");
    rig.wait(0, "a routed message", |event| event.kind() == "routed")
        .await;

    rig.wait(0, "the twin read", |event| {
        *event == Event::TwinRead { subscribed: true }
    })
    .await;
    rig.wait(0, "a report", |event| {
        reported(event)["read"] == json!({"interval": 5})
    })
    .await;
    let mark = rig.mark();
    rig.desire(&json!({"interval": 2, "start": null}));
    rig.wait(mark, "the change seen", |event| {
        reported(event)["saw"] == json!({"interval": 2, "start": null})
    })
    .await;

    assert_eq!(
        rig.call("echo", &json!({"x": ["ü", null]})).await,
        (200, json!({"x": ["ü", null]}))
    );
    let mark = rig.mark();
    rig.feed("in1", &json!({"n": 1}));
    let passed = rig
        .wait(mark, "the input passed on", is_message("passed"))
        .await;
    let Event::Message { body, .. } = passed.event else {
        unreachable!("waited for it");
    };
    let told: Value = serde_json::from_str(&body.text.unwrap_or_default()).expect("JSON");
    assert_eq!(told, json!({"input": "in1", "value": {"n": 1}}));
    rig.wait(mark, "the input acknowledged", |event| {
        event.kind() == "input-taken"
    })
    .await;
}

/// The hub is away for five seconds. The SDKs do not subscribe again; everything goes on all the same.
async fn outage(rig: &mut Rig) {
    rig.environment.stop_hub().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mark = rig.mark();
    rig.environment.start_hub().expect("the same ports");
    let back = rig
        .wait(mark, "a connection after the outage", |event| {
            event.kind() == "connected"
        })
        .await;
    assert!(matches!(
        back.event,
        Event::Connected {
            session_present: true,
            ..
        }
    ));
    goes_on(rig, mark).await;
}

/// Two more tokens, and everything goes on.
async fn renews(rig: &Rig) {
    let expires = |entry: &edge::log::Entry| match entry.event {
        Event::Connected { token_expires, .. } => token_expires,
        _ => 0,
    };
    let first = rig
        .wait(0, "a connection", |event| event.kind() == "connected")
        .await;
    let Event::Connected { client_type, .. } = &first.event else {
        unreachable!("waited for it");
    };
    assert!(
        client_type
            .as_deref()
            .is_some_and(|text| text.contains("contoso.sensor.standard")),
        "{client_type:?}"
    );
    let mut last = first;
    for _ in 0..2 {
        let mark = last.number + 1;
        let next = rig
            .wait(mark, "a connection with a new token", |event| {
                event.kind() == "connected"
            })
            .await;
        assert!(expires(&next) > expires(&last), "{next:?} after {last:?}");
        last = next;
    }
    goes_on(rig, last.number).await;
}

/// On the new connection, messages flow, and changes and calls arrive.
async fn goes_on(rig: &Rig, mark: u64) {
    rig.wait(mark, "a message after it", is_message("out"))
        .await;
    rig.desire(&json!({"again": 1}));
    rig.wait(mark, "a change after it", |event| {
        reported(event)["saw"]["again"] == 1
    })
    .await;
    assert_eq!(rig.call("echo", &json!(7)).await, (200, json!(7)));
}

/// SIGTERM: DISCONNECT, and exit code 0.
async fn stops_cleanly(rig: &mut Rig) {
    let mark = rig.mark();
    assert_eq!(rig.terminate().await, Some(0), "{}", rig.said());
    rig.wait(mark, "DISCONNECT", |event| {
        matches!(event, Event::Disconnected { clean: true, .. })
    })
    .await;
}

fn is_message(output: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Message { output: Some(found), .. } if found == output)
}

/// The patch of a report; null for any other event.
fn reported(event: &Event) -> &Value {
    match event {
        Event::Reported { patch, .. } => patch,
        _ => &Value::Null,
    }
}
