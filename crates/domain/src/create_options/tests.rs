//! createOptions: reading, pieces, ports, privileges, remarks.

use super::chunks::{ChunkError, PIECE_BYTES_CLASSIC, is_piece, join, split};
use super::*;
use crate::violation::Level;
use proptest::prelude::*;
use serde_json::json;

fn options(value: Value) -> CreateOptions {
    CreateOptions::parse(&value.to_string()).expect("an object")
}

fn kinds(host_config: Value) -> Vec<PrivilegeKind> {
    options(json!({"HostConfig": host_config}))
        .privileges()
        .iter()
        .map(|privilege| privilege.kind)
        .collect()
}

#[test]
fn a_broken_text_shows_its_place() {
    let problem = CreateOptions::parse("{\n  \"a\": 1\n  \"b\": 2\n}").expect_err("a comma lacks");
    assert_eq!((problem.line, problem.column), (3, 3));
    assert_eq!(problem.caret, "  \"b\": 2\n  ^");
    let kind = CreateOptions::parse("[1]").expect_err("an array");
    assert!(kind.what.contains("an array"), "{kind}");
    assert!(
        CreateOptions::parse(" ")
            .expect("empty")
            .members()
            .is_empty()
    );
    assert!(CreateOptions::parse(&" ".repeat(CREATE_OPTIONS_BYTES_MAX + 1)).is_err());
    assert!(CreateOptions::parse("\"ü\u{1F600}").is_err());
    assert!(CreateOptions::parse(&"[".repeat(5000)).is_err());
}

#[test]
fn pieces_are_joined_as_the_agent_does() {
    let settings = json!({"image": "x", "createoptions": "{\"a\":", "CreateOptions02": "}", "createOptions01": "1"});
    let joined = join(settings.as_object().expect("object")).expect("in order");
    assert_eq!(joined.as_deref(), Some("{\"a\":1}"));
    assert_eq!(
        join(json!({"image": "x"}).as_object().expect("object")),
        Ok(None)
    );
    assert!(is_piece("createOptions100") && !is_piece("createOptionsX") && !is_piece("create"));
}

#[test]
fn a_gap_or_another_kind_is_refused() {
    let refused = |value: Value| join(value.as_object().expect("object")).expect_err("refused");
    assert_eq!(
        refused(json!({"createOptions": "a", "createOptions01": "b", "createOptions03": "c"})),
        ChunkError::Gap {
            expected: "createOptions02".into(),
            found: "createOptions03".into()
        }
    );
    assert!(matches!(
        refused(json!({"createOptions01": "a"})),
        ChunkError::Gap { .. }
    ));
    assert!(matches!(
        refused(json!({"createOptions": "a", "createOptions01": {}})),
        ChunkError::NoString { .. }
    ));
}

#[test]
fn host_ports_with_ranges_and_mistakes() {
    let (ports, problems) = options(json!({"hostconfig": {"portBindings": {
        "5012/tcp": [{"HostPort": "5012"}, {"HostPort": "6000-6001", "HostIp": "127.0.0.1"}],
        "53/UDP": [{"HostPort": 53}],
        "80": [{"HostPort": ""}, {}],
        "81/tcp": [{"HostPort": "65536"}, {"HostPort": "+1"}],
        "x/tcp": []
    }}}))
    .host_ports();
    let told: Vec<String> = ports
        .iter()
        .map(|p| format!("{}/{}", p.port, p.protocol))
        .collect();
    assert_eq!(told, ["5012/tcp", "6000/tcp", "6001/tcp", "53/udp"]);
    assert_eq!(
        ports[0].pointer,
        "/hostconfig/portBindings/5012~1tcp/0/HostPort"
    );
    assert_eq!(problems.len(), 3);
    let wide =
        options(json!({"HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": "1-65535"}]}}}));
    assert!(wide.host_ports().0.is_empty() && wide.host_ports().1.len() == 1);
    let elsewhere = HostPort {
        address: "10.0.0.1".into(),
        ..ports[1].clone()
    };
    assert!(!elsewhere.collides(&ports[1]) && ports[1].collides(&ports[1]));
    assert!(
        HostPort {
            address: String::new(),
            ..ports[1].clone()
        }
        .collides(&ports[1])
    );
}

#[test]
fn every_privilege_is_listed_with_its_place() {
    use PrivilegeKind::*;
    assert_eq!(kinds(json!({"Privileged": true})), [Privileged]);
    assert_eq!(
        kinds(json!({"pRIVILEGED": 1, "Privileged": false})),
        [Privileged]
    );
    assert_eq!(
        kinds(
            json!({"NetworkMode": "HOST", "PidMode": "host", "IpcMode": "container:x", "UTSMode": "host"})
        ),
        [HostNamespace; 4]
    );
    assert_eq!(
        kinds(json!({"CapAdd": ["NET_ADMIN", "ALL"]})),
        [Capability; 2]
    );
    assert_eq!(
        kinds(
            json!({"Devices": [{"PathOnHost": "/dev/ttyS0"}], "SecurityOpt": ["seccomp=unconfined"]})
        ),
        [SecurityOption, Device]
    );
    assert_eq!(
        kinds(
            json!({"Binds": ["/var/run/docker.sock:/d", "/etc/../etc/x:/e:ro", "//:/h", "/data:/d", "vol:/v"]})
        ),
        [EngineSocket, SystemPath, SystemPath, HostPath]
    );
    assert_eq!(
        kinds(
            json!({"Mounts": [{"Type": "bind", "Source": "/var", "Target": "/v"}, {"Type": "volume", "Source": "v", "Target": "/v"}]})
        ),
        [SystemPath]
    );
    assert_eq!(
        kinds(
            json!({"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Options": {"device": "/", "o": "bind"}}}}]})
        ),
        [SystemPath]
    );
    assert_eq!(
        kinds(json!({"Privileged": false, "NetworkMode": "bridge", "Memory": 1, "Binds": null})),
        []
    );
    let listed = options(json!({"HostConfig": {"CapAdd": ["SYS_PTRACE"]}})).privileges();
    assert_eq!(listed[0].pointer, "/HostConfig/CapAdd/0");
    let network = options(json!({"NetworkingConfig": {"EndpointsConfig": {"host": {}}}}));
    assert_eq!(network.privileges()[0].kind, HostNamespace);
}

#[test]
fn surprising_habits_are_remarked() {
    let remarks = lint(&options(json!({
        "MemorySwap": 0, "Image": "x", "Env": ["A=1", "IOTEDGE_DEVICEID=x"],
        "HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": "443"}, {"HostPort": "443"}]}}
    })));
    let told: Vec<(Level, &str)> = remarks
        .iter()
        .map(|r| (r.level, r.pointer.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Level::Warning, "/MemorySwap"),
            (Level::Warning, "/Image"),
            (Level::Warning, "/Env/0"),
            (Level::Error, "/Env/1"),
            (Level::Warning, "/HostConfig/PortBindings/1~1tcp/0/HostPort"),
            (Level::Error, "/HostConfig/PortBindings/1~1tcp/1/HostPort"),
            (Level::Warning, "/HostConfig/PortBindings/1~1tcp/1/HostPort"),
        ]
    );
}

proptest! {
    #[test]
    fn splitting_and_joining_give_the_text_back(text in "(?s).{1,2000}", bytes in 1usize..1000) {
        match split(&text, bytes) {
            Ok(pieces) => {
                prop_assert!(pieces.iter().all(|(_, piece)| piece.len() <= bytes.max(4)));
                let settings: Map<String, Value> =
                    pieces.into_iter().map(|(key, piece)| (key, Value::String(piece))).collect();
                prop_assert_eq!(join(&settings).expect("in order"), Some(text.clone()));
            }
            Err(problem) => {
                let too_long = matches!(problem, ChunkError::TooLong { .. });
                prop_assert!(too_long && text.len() > bytes);
            }
        }
        prop_assert!(split(&text, PIECE_BYTES_CLASSIC).is_ok());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s)[{}\\[\\]\":,a-z0-9 \n]{0,40}|.{0,40}") {
        if let Ok(options) = CreateOptions::parse(&text) {
            let _ = (options.host_ports(), options.privileges(), lint(&options));
        }
    }
}

#[test]
fn the_memory_limit_is_what_the_engine_enforces() {
    for (text, expected) in [
        (r#"{"HostConfig":{"Memory":33554432}}"#, Some(33_554_432)),
        (r#"{"hostconfig":{"memory":1}}"#, Some(1)),
        (r#"{"HostConfig":{"Memory":0}}"#, None),
        (r#"{"HostConfig":{"Memory":-1}}"#, None),
        (r#"{"HostConfig":{"Memory":"32m"}}"#, None),
        (r#"{"Memory":33554432}"#, None),
        ("", None),
    ] {
        let options = CreateOptions::parse(text).unwrap();
        assert_eq!(options.memory_bytes_max(), expected, "{text}");
    }
}

#[test]
fn a_strangers_module_gets_nothing_of_the_host() {
    let confined = options(json!({
        "env": ["A=1"], "Cmd": ["run"], "Image": "other", "NetworkingConfig": {"EndpointsConfig": {"host": {}}},
        "HostConfig": {
            "privileged": true, "NetworkMode": "host", "PidMode": "host", "CapAdd": ["SYS_ADMIN"],
            "Devices": [{"PathOnHost": "/dev/sda"}], "SecurityOpt": ["seccomp=unconfined"],
            "PortBindings": {"80/tcp": [{"HostPort": "80"}]}, "VolumesFrom": ["edgeHub"], "CgroupParent": "/",
            "Binds": ["/etc:/config:ro", "data:/data", "/var/run/docker.sock:/var/run/docker.sock", "/:/proc/x"],
            "mounts": [{"Type": "bind", "Source": "/", "target": "/host"}],
            "memory": 64_000_000, "CapDrop": ["CHOWN"], "Tmpfs": {"/tmp": "size=1m", "/run": "x y"},
        },
    }))
    .confined();
    assert_eq!(
        Value::Object(confined.members),
        json!({
            "Env": ["A=1"], "Cmd": ["run"],
            "Volumes": {"/config": {}, "/data": {}, "/host": {}},
            "HostConfig": {
                "Memory": 64_000_000, "CapDrop": ["CHOWN"], "Tmpfs": {"/tmp": "size=1m", "/run": ""},
            },
        })
    );
    let left: Vec<&str> = confined.left_out.iter().map(|one| &*one.what).collect();
    let left = left.join("\n");
    for part in [
        "/Image",
        "/NetworkingConfig",
        "/HostConfig/privileged",
        "/HostConfig/NetworkMode",
        "/HostConfig/PidMode",
        "/HostConfig/CapAdd",
        "/HostConfig/Devices",
        "/HostConfig/SecurityOpt",
        "/HostConfig/PortBindings",
        "/HostConfig/VolumesFrom",
        "/HostConfig/CgroupParent",
        "/HostConfig/Binds/0: an empty volume at /config",
        "/HostConfig/Binds/2: left out",
        "/HostConfig/Binds/3: left out",
        "/HostConfig/mounts/0: an empty volume at /host",
    ] {
        assert!(left.contains(part), "{part} in\n{left}");
    }
    assert_eq!(confined.left_out.len(), 16, "{left}");
}

proptest! {
    #[test]
    fn confined_options_ask_the_host_for_nothing(key in "[A-Za-z]{1,12}", value in "[ -~]{0,20}") {
        for host_config in [
            json!({key.clone(): value}),
            json!({key.clone(): [value.clone()]}),
            json!({"Binds": [format!("{value}:{key}")]}),
            json!({key.clone(): {value.clone(): value.clone()}}),
        ] {
            let confined = options(json!({"HostConfig": host_config})).confined();
            prop_assert_eq!(CreateOptions::from_members(confined.members).privileges(), vec![]);
        }
    }
}
