//! The environment against garbage, floods and half-open connections: refused, logged, and the rest goes on.

mod rig;
mod web;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use edge::hub::{CONNECTIONS_MAX, Ports};
use edge::identity::Device;
use edge::log::{Entry, Event};
use edge::mqtt::{ConnectCode, Packet, Qos, encode};
use edge::{Environment, ModuleSettings, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use rig::{PATIENCE, Rig, message};

#[tokio::test]
async fn both_tls_versions_are_spoken() {
    let rig = Rig::start().await;
    let port = rig.environment.ports().mqtt;
    for (version, name) in [
        (&rustls::version::TLS12, "TLSv1_2"),
        (&rustls::version::TLS13, "TLSv1_3"),
    ] {
        rig.tls(port, "edgehub", &[version])
            .await
            .expect("a handshake");
        let spoken = |entry: &Entry| matches!(&entry.event, Event::TlsAccepted { version, .. } if version == name);
        assert!(
            rig.environment
                .log()
                .wait_for(0, PATIENCE, spoken)
                .await
                .is_some(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let rig = Rig::start().await;
    let mut line = rig.mqtt().await;
    let now = u64::try_from(jiff::Timestamp::now().as_second()).expect("after 1970");
    line.say(&rig.connect_until(now + 2)).await;
    assert!(matches!(line.hear().await, Some(Packet::ConnAck { .. })));
    assert_eq!(line.hear().await, None, "the hub hangs up");
    let Event::Disconnected { clean, reason } = rig.wait("disconnected").await.event else {
        unreachable!("waited for it");
    };
    assert!(!clean && reason.contains("token ended"), "{reason}");
    rig.still_works().await;
}

#[tokio::test]
async fn a_client_that_wants_another_name_is_reported() {
    let rig = Rig::start().await;
    let port = rig.environment.ports().mqtt;
    assert!(
        rig.tls(port, "elsewhere", rustls::ALL_VERSIONS)
            .await
            .is_err()
    );
    let Event::TlsRefused { reason, .. } = rig.wait("tls-refused").await.event else {
        unreachable!("waited for it");
    };
    assert!(
        reason.to_ascii_lowercase().contains("certificate"),
        "{reason}"
    );
    rig.still_works().await;
}

#[tokio::test]
async fn what_is_no_tls_or_no_mqtt_is_refused_and_logged() {
    let rig = Rig::start().await;
    let ports = rig.environment.ports();
    for port in [Some(ports.mqtt), ports.https, ports.amqp]
        .into_iter()
        .flatten()
    {
        let mut plain = rig.tcp(port).await;
        plain
            .write_all(b"GET / HTTP/1.1\r\n\r\n")
            .await
            .expect("written");
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "port {port} hangs up");
    }
    rig.wait("tls-refused").await;
    let mut line = rig.mqtt().await;
    line.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(line.hear().await, None);
    let Event::ProtocolError { reason } = rig.wait("protocol-error").await.event else {
        unreachable!("waited for it");
    };
    assert!(reason.contains("MQTT-2.2.2-2"), "{reason}");
    rig.still_works().await;
}

#[tokio::test]
async fn another_mqtt_is_answered_and_a_wrong_token_is_not_authorized() {
    let rig = Rig::start().await;
    let mut line = rig.mqtt().await;
    line.send(&[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0])
        .await;
    let answer = line.hear().await;
    let refused = |code| {
        Some(Packet::ConnAck {
            session_present: false,
            code,
        })
    };
    assert_eq!(answer, refused(ConnectCode::UnacceptableProtocol));

    let mut line = rig.mqtt().await;
    let Packet::Connect(mut connect) = rig.connect_packet() else {
        unreachable!("made above");
    };
    connect.password = connect.password.map(|password| {
        Bytes::from(String::from_utf8_lossy(&password).replace("se=4000000000", "se=4000000001"))
    });
    line.say(&Packet::Connect(connect)).await;
    assert_eq!(line.hear().await, refused(ConnectCode::NotAuthorized));
    assert_eq!(line.hear().await, None, "closed after the refusal");
    rig.still_works().await;
}

#[tokio::test]
async fn oversize_and_late_garbage_end_only_their_connection() {
    let rig = Rig::start().await;
    let mut line = rig.connected().await;
    line.send(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]).await;
    assert_eq!(line.hear().await, None);
    let mut line = rig.connected().await;
    line.say(&message(Bytes::from(vec![b'x'; 256 * 1024 + 1])))
        .await;
    assert_eq!(line.hear().await, None);
    let mut line = rig.connected().await;
    line.say(&Packet::PingResp).await;
    assert_eq!(line.hear().await, None);
    let mut line = rig.connected().await;
    line.say(&message(Bytes::from(vec![b'x'; 256 * 1024])))
        .await;
    assert_eq!(
        line.hear().await,
        Some(Packet::PubAck(1)),
        "just small enough"
    );
    assert_eq!(rig.environment.log().counts()["protocol-error m"].seen, 3);
}

#[tokio::test]
async fn half_open_connections_take_places_and_no_more() {
    let rig = Rig::start().await;
    let port = rig.environment.ports().mqtt;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX + 20 {
        open.push(rig.tcp(port).await);
    }
    rig.wait("hub-crowded").await;
    drop(open);
    // Places are given back as soon as the other side is gone.
    let patience = std::time::Instant::now() + PATIENCE;
    loop {
        if let Ok(stream) = rig.tls(port, "edgehub", rustls::ALL_VERSIONS).await {
            drop(stream);
            break;
        }
        assert!(std::time::Instant::now() < patience, "no place came free");
    }
    rig.still_works().await;
}

/// Eight, because a hub that decides by chance is right half of the time.
#[tokio::test]
async fn a_module_that_spoke_in_time_is_heard_by_a_hub_that_looks_late() {
    let mut open = Vec::new();
    for _ in 0..8 {
        let rig = Rig::start().await;
        let mut line = rig.mqtt().await;
        let Packet::Connect(mut connect) = rig.connect_packet() else {
            unreachable!("made so");
        };
        connect.keep_alive_seconds = 1;
        line.say(&Packet::Connect(connect)).await;
        assert!(matches!(line.hear().await, Some(Packet::ConnAck { .. })));
        open.push((rig, line));
    }
    for (_, line) in &mut open {
        line.say(&Packet::PingReq).await;
    }
    // The only thread sleeps past the deadline of one and a half seconds: the hub sees both at once.
    std::thread::sleep(std::time::Duration::from_millis(1_600));
    for (_, line) in &mut open {
        assert_eq!(line.hear().await, Some(Packet::PingResp));
    }
}

#[tokio::test]
async fn a_flood_is_taken_and_mostly_counted() {
    let rig = Rig::start().await;
    let mut line = rig.connected().await;
    let mut bytes = BytesMut::new();
    for _ in 0..5_000 {
        let Packet::Publish(mut publish) = message("{\"n\":1}".into()) else {
            unreachable!("made above");
        };
        publish.qos = Qos::AtMostOnce;
        publish.id = None;
        encode(&Packet::Publish(publish), &mut bytes);
    }
    line.send(&bytes).await;
    line.say(&Packet::PingReq).await;
    assert_eq!(line.hear().await, Some(Packet::PingResp));
    let count = rig.environment.log().counts()["message m"];
    assert_eq!((count.seen, count.kept), (5_000, 1_000));
}

#[tokio::test]
async fn the_eleventh_workload_connection_is_dropped() {
    let rig = Rig::start().await;
    let path = rig.environment.socket_path("m");
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(UnixStream::connect(&path).await.expect("connected"));
    }
    let mut eleventh = UnixStream::connect(&path).await.expect("connected");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, eleventh.read_to_end(&mut answer))
        .await
        .expect("in time");
    assert_eq!(read.expect("closed"), 0);
    rig.wait("workload-crowded").await;
    open.clear();
    let request = b"GET /trust-bundle?api-version=2018-06-28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let patience = std::time::Instant::now() + PATIENCE;
    let text = loop {
        let mut again = UnixStream::connect(&path).await.expect("connected");
        let mut answer = String::new();
        if again.write_all(request).await.is_ok()
            && again
                .read_to_string(&mut answer)
                .await
                .is_ok_and(|read| read > 0)
        {
            break answer;
        }
        assert!(std::time::Instant::now() < patience, "no place came free");
    };
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("BEGIN CERTIFICATE"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let rig = Rig::start().await;
    let mut stream = UnixStream::connect(rig.environment.socket_path("m"))
        .await
        .expect("connected");
    let head = "POST /modules/m/genid/1/sign?api-version=2018-06-28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..20 {
        if stream.write_all(&block).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it hangs up");
    let Event::Workload { status, .. } = rig.wait("workload").await.event else {
        unreachable!("waited for it");
    };
    assert_eq!(status, 413);
}

#[tokio::test]
async fn an_ended_run_leaves_nothing() {
    let rig = Rig::start().await;
    let ports = rig.environment.ports();
    let mut line = rig.connected().await;
    let log = rig.environment.close().await;
    assert_eq!(line.hear().await, None);
    assert!(
        TcpStream::connect((Ipv4Addr::LOCALHOST, ports.mqtt))
            .await
            .is_err()
    );
    assert_eq!(
        std::fs::read_dir(rig.folder.path())
            .expect("a folder")
            .count(),
        0
    );
    assert_eq!(
        log.entries(0).last().expect("events").event,
        Event::HubStopped
    );
}

#[tokio::test]
async fn when_a_run_is_closed_none_of_its_tasks_is_left() {
    let rig = Rig::start().await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        let path = rig.environment.socket_path("m");
        idle.push(UnixStream::connect(path).await.expect("connected"));
    }
    // One is answered, so all before it are accepted.
    let request = b"GET /trust-bundle?api-version=2018-06-28 HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = idle.last_mut().expect("five");
    last.write_all(request).await.expect("written");
    rig.wait("workload").await;
    rig.environment.close().await;
    let left = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_second_run_in_the_folder_of_another_takes_nothing_from_it() {
    let rig = Rig::start().await;
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(rig.folder.path())
            .expect("a folder")
            .map(|file| file.expect("a file").file_name())
            .collect();
        names.sort();
        names
    };
    let (before, pem) = (
        files(),
        std::fs::read(rig.environment.ca_file()).expect("PEM"),
    );
    let settings = |module: &str| Settings {
        device: Device::default(),
        address: Ipv4Addr::LOCALHOST.into(),
        ports: Ports {
            mqtt: 0,
            https: None,
            amqp: None,
        },
        folder: rig.folder.path().to_owned(),
        routes: BTreeMap::new(),
        modules: vec![ModuleSettings {
            name: module.into(),
            desired: serde_json::Map::new(),
        }],
        address_to_come: false,
        clock: jiff::Timestamp::now,
    };
    for module in ["m", "other"] {
        assert!(Environment::start(settings(module)).await.is_err());
        assert_eq!(files(), before);
        assert_eq!(std::fs::read(rig.environment.ca_file()).expect("PEM"), pem);
    }
    // A certificate of nobody, and a socket that is taken: what was made goes, what was there stays.
    std::fs::remove_file(rig.environment.ca_file()).expect("removed");
    let before = files();
    assert!(Environment::start(settings("m")).await.is_err());
    assert_eq!(files(), before);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_starts() {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let good = Settings {
        device: Device::default(),
        address: Ipv4Addr::LOCALHOST.into(),
        ports: Ports {
            mqtt: 0,
            https: Some(0),
            amqp: Some(0),
        },
        folder: folder.path().to_owned(),
        routes: BTreeMap::new(),
        modules: vec![ModuleSettings {
            name: "m".into(),
            desired: serde_json::Map::new(),
        }],
        address_to_come: false,
        clock: jiff::Timestamp::now,
    };
    type Change = Box<dyn Fn(&mut Settings)>;
    let taken = rig.environment.ports().mqtt;
    let changes: Vec<(Change, &str)> = vec![
        (Box::new(|s| s.modules.clear()), "1 to 16"),
        (
            Box::new(|s| {
                s.modules.push(ModuleSettings {
                    name: "M".into(),
                    desired: serde_json::Map::new(),
                });
            }),
            "1 different module",
        ),
        (Box::new(|s| s.modules[0].name = "a/b".into()), "no name"),
        (Box::new(|s| s.device.gateway = "-".into()), "gateway"),
        (
            Box::new(|s| drop(s.routes.insert("r".into(), "FROM".into()))),
            "route \"r\"",
        ),
        (
            Box::new(|s| drop(s.modules[0].desired.insert("$x".into(), 1.into()))),
            "property name",
        ),
        (Box::new(|s| s.folder = s.folder.join("x".repeat(120))), "x"),
        (Box::new(move |s| s.ports.mqtt = taken), "cannot listen"),
    ];
    for (change, part) in changes {
        let mut settings = good.clone();
        change(&mut settings);
        let error = Environment::start(settings)
            .await
            .err()
            .expect(part)
            .to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0,
            "{part} left something"
        );
    }
}
