//! Problems of deployments: one change to a sound manifest, and what is said of it.

use super::*;
use crate::deployment::{Level, Problem, validate};

const AGENT: &str = "/modulesContent/$edgeAgent/properties.desired";
const HUB: &str = "/modulesContent/$edgeHub/properties.desired";

fn sound() -> Value {
    full(&[sensor(), filter_entry()], &Runtime::default()).expect("builds")
}

fn problems_of(value: &Value) -> Vec<Problem> {
    validate(&Document::from_value(value))
}

/// Codes, pointers below `base`, and levels after one member was set (or removed, when null).
fn after(base: &str, path: &str, value: Value) -> Vec<(&'static str, String, Level)> {
    let mut manifest = sound();
    let (parent, key) = path.rsplit_once('/').expect("a path");
    let parent = manifest
        .pointer_mut(&format!("{base}{parent}"))
        .and_then(Value::as_object_mut)
        .expect("there");
    let key = key.replace("~1", "/");
    if value.is_null() {
        parent.shift_remove(&key).expect("there to be removed");
    } else {
        parent.insert(key, value);
    }
    problems_of(&manifest)
        .into_iter()
        .map(|problem| {
            (
                problem.code,
                problem.pointer.replacen(base, "", 1),
                problem.level,
            )
        })
        .collect()
}

fn error(code: &'static str, pointer: &str) -> Vec<(&'static str, String, Level)> {
    vec![(code, pointer.to_owned(), Level::Error)]
}

fn warning(code: &'static str, pointer: &str) -> Vec<(&'static str, String, Level)> {
    vec![(code, pointer.to_owned(), Level::Warning)]
}

#[test]
fn shapes_of_the_agent_section() {
    let m = "/modules/Filter";
    assert_eq!(
        after(AGENT, &format!("{m}/restartPolicy"), json!("sometimes")),
        error("schema.value", "/modules/Filter/restartPolicy")
    );
    assert_eq!(
        after(AGENT, &format!("{m}/status"), Value::Null),
        error("schema.required", m)
    );
    assert_eq!(
        after(AGENT, &format!("{m}/startUpOrder"), json!(1)),
        error("schema.unknown", "/modules/Filter/startUpOrder")
    );
    assert_eq!(
        after(
            AGENT,
            &format!("{m}/startupOrder"),
            json!(4_294_967_296_i64)
        ),
        error("schema.value", "/modules/Filter/startupOrder")
    );
    assert_eq!(
        after(AGENT, &format!("{m}/env/MODE"), json!({})),
        error("schema.required", "/modules/Filter/env/MODE")
    );
    assert_eq!(
        after(AGENT, &format!("{m}/env/A.B"), json!({"value": 1})),
        error("schema.name", "/modules/Filter/env/A.B")
    );
    assert_eq!(
        after(AGENT, "/modules/a.b", json!({})),
        error("schema.name", "/modules/a.b")
    );
    assert_eq!(
        after(
            AGENT,
            "/runtime/settings/registryCredentials",
            json!({"r": {"username": "u", "password": "p", "address": ""}})
        ),
        error(
            "schema.value",
            "/runtime/settings/registryCredentials/r/address"
        )
    );
    assert_eq!(
        after(AGENT, "/systemModules/edgeHub/restartPolicy", Value::Null),
        error("schema.required", "/systemModules/edgeHub")
    );
    assert_eq!(
        after(AGENT, "/runtime", Value::Null),
        error("schema.required", "")
    );
    assert_eq!(
        after(AGENT, "/modules", json!([])).first(),
        error("schema.value", "/modules").first()
    );
}

#[test]
fn each_section_by_the_version_it_names() {
    assert_eq!(
        after(AGENT, "/schemaVersion", json!("1.9")),
        warning("schema.version", "/schemaVersion")
    );
    assert_eq!(
        after(HUB, "/schemaVersion", json!("2.0")),
        warning("schema.version", "/schemaVersion")
    );
    for version in ["1.0", "1.1", "1.2", "1.3"] {
        assert_eq!(
            after(HUB, "/schemaVersion", json!(version)),
            [],
            "{version}"
        );
    }
    let route = json!({"route": "FROM /messages/* INTO $upstream", "priority": 10});
    assert_eq!(
        after(HUB, "/routes/r", route),
        error("schema.value", "/routes/r/priority")
    );
    // Envelope 1.0 knows no route objects, 2.0 does; the section of version 1.0 does not.
    let mut manifest = sound();
    manifest["modulesContent"]["$edgeHub"]["properties.desired"]["routes"]["r"] =
        json!({"route": "FROM /messages/* INTO $upstream"});
    assert_eq!(problems_of(&manifest), []);
    manifest["modulesContent"]["$edgeHub"]["properties.desired"]["schemaVersion"] = json!("1.0");
    assert_eq!(problems_of(&manifest)[0].code, "schema.value");
    // The broker came with 1.2.
    manifest = sound();
    manifest["modulesContent"]["$edgeHub"]["properties.desired"]["mqttBroker"] =
        json!({"authorizations": []});
    assert_eq!(problems_of(&manifest)[0].code, "schema.unknown");
    manifest["modulesContent"]["$edgeAgent"]["properties.desired"]["schemaVersion"] = json!("1.0");
    manifest["modulesContent"]["$edgeHub"]["properties.desired"]["schemaVersion"] = json!("1.2");
    assert_eq!(problems_of(&manifest), []);
}

#[test]
fn envelopes() {
    assert_eq!(problems_of(&json!({}))[0].code, "schema.required");
    let mut manifest = sound();
    let content = manifest
        .as_object_mut()
        .and_then(|m| m.remove("modulesContent"))
        .expect("there");
    let legacy = problems_of(&json!({"content": {"moduleContent": content.clone()}}));
    assert_eq!(legacy.len(), 1);
    assert_eq!(
        (legacy[0].code, legacy[0].pointer.as_str()),
        ("envelope.legacy-key", "/content/moduleContent")
    );
    let mut broken = content.clone();
    broken["$edgeHub"] = json!(1);
    let legacy = problems_of(&json!({"moduleContent": broken}));
    assert!(
        legacy
            .iter()
            .any(|p| p.level == Level::Error && p.pointer == "/moduleContent/$edgeHub"),
        "{legacy:?}"
    );
    let mut dollar = content;
    dollar["$other"] = json!({"properties.desired": {}});
    assert_eq!(
        problems_of(&json!({"modulesContent": dollar}))[0].code,
        "schema.unknown"
    );
}

#[test]
fn templates_by_their_own_version() {
    let mut template = sound();
    template["$schema-template"] = json!("2.0.0");
    template["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Filter"]["settings"]
        ["createOptions"] = json!({"HostConfig": {}});
    template["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Filter"]["settings"]
        ["image"] = json!("${MODULES.Filter.arm32v7}");
    template["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Filter"]["restartPolicy"] =
        json!("${POLICY}");
    assert_eq!(problems_of(&template), []);
    template["$schema-template"] = json!("4.0.0");
    let told = problems_of(&template);
    assert_eq!(
        (told.len(), told[0].pointer.as_str()),
        (
            1,
            "/modulesContent/$edgeHub/properties.desired/schemaVersion"
        )
    );
    template["$schema-template"] = json!("9.0.0");
    assert_eq!(problems_of(&template)[0].code, "schema.version");
    template["$schema-template"] = json!("1.0.0");
    template["modulesContent"]["$edgeAgent"]["properties.desired"]["systemModules"]["other"] =
        json!({});
    assert_eq!(problems_of(&template)[0].code, "schema.unknown");
    // The same object without a declaration and without variables is a manifest, where it is refused.
    let mut manifest = sound();
    manifest["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Filter"]["settings"]
        ["createOptions"] = json!({"HostConfig": {}});
    assert_eq!(problems_of(&manifest)[0].code, "schema.value");
}

#[test]
fn layered_paths() {
    let codes = |agent: Value, hub: Value| -> Vec<&str> {
        problems_of(&json!({"modulesContent": {"$edgeAgent": agent, "$edgeHub": hub}}))
            .iter()
            .map(|p| p.code)
            .collect()
    };
    let module = filter_entry().to_value().expect("short");
    assert_eq!(
        codes(
            json!({"properties.desired.modules.Filter": module.clone()}),
            json!({})
        ),
        [] as [&str; 0]
    );
    assert_eq!(
        codes(
            json!({"properties.desired.modules.Fil ter": module}),
            json!({})
        ),
        ["layered.path"]
    );
    assert_eq!(
        codes(json!({"properties.desired.modul.X": {}}), json!({})),
        ["layered.path"]
    );
    assert_eq!(
        codes(json!({"properties.desired.modules.X": {}}), json!({})).len(),
        4
    );
    assert_eq!(
        codes(
            json!({"properties.desired.modules.X.env.A": {"value": "1"}}),
            json!({})
        ),
        [] as [&str; 0]
    );
    assert_eq!(
        codes(json!({}), json!({"properties.desired.routes.r": "FORM"})),
        ["route.grammar"]
    );
    assert_eq!(
        codes(json!({}), json!({"properties.desired.routes.r": 1})),
        ["schema.value"]
    );
}

#[test]
fn meaning_of_modules() {
    let s = "/modules/Filter/settings";
    assert_eq!(
        after(AGENT, &format!("{s}/image"), json!("a/b:1@sha256:00")),
        error("image.reference", "/modules/Filter/settings/image")
    );
    for bad in ["[1]", "{\"a\":", "nothing"] {
        assert_eq!(
            after(AGENT, &format!("{s}/createOptions"), json!(bad)),
            error(
                "create-options.json",
                "/modules/Filter/settings/createOptions"
            ),
            "{bad}"
        );
    }
    assert_eq!(
        after(AGENT, &format!("{s}/createOptions02"), json!("}")),
        error(
            "create-options.json",
            "/modules/Filter/settings/createOptions"
        )
    );
    let port = |port: &str| {
        json!({"HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": port}]}}}).to_string()
    };
    let clash = after(AGENT, &format!("{s}/createOptions"), json!(port("8883")));
    assert!(
        clash.contains(&(
            "ports.collision",
            "/modules/Filter/settings/createOptions".to_owned(),
            Level::Error
        )),
        "{clash:?}"
    );
    assert_eq!(
        after(
            AGENT,
            "/modules/Sensor/settings/createOptions",
            json!(port("5012"))
        )
        .len(),
        1
    );
    assert_eq!(
        after(
            AGENT,
            "/modules/Sensor/settings/createOptions",
            json!("x".repeat(5000))
        )
        .len(),
        2
    );
    assert_eq!(
        after(
            AGENT,
            "/modules/Filter/env/IOTEDGE_DEVICEID",
            json!({"value": "x"})
        ),
        warning("env.reserved", "/modules/Filter/env/IOTEDGE_DEVICEID")
    );
}

#[test]
fn meaning_of_routes_and_placeholders() {
    assert_eq!(
        after(HUB, "/routes/r", json!("FROM /messages INTO upstream")),
        error("route.grammar", "/routes/r")
    );
    assert_eq!(
        after(HUB, "/routes/r", json!("FROM /messages INTO $iothub")),
        error("route.meaning", "/routes/r")
    );
    assert_eq!(
        after(
            HUB,
            "/routes/r",
            json!("FROM /messages/modules/Nobody INTO $upstream")
        ),
        warning("route.module", "/routes/r")
    );
    assert_eq!(
        after(
            HUB,
            "/routes/r",
            json!("FROM /messages/modules/<FROM>/* INTO $upstream")
        ),
        error("placeholder.unfilled", "/routes/r")
    );
    let inside = json!({"route": "FROM /messages INTO $upstream x", "priority": 1});
    assert_eq!(
        after(HUB, "/routes/r", inside),
        warning("route.meaning", "/routes/r/route")
    );
    assert_eq!(
        after(
            AGENT,
            "/modules/Filter/env/MODE",
            json!({"value": "<MODE>"})
        ),
        warning("placeholder.unfilled", "/modules/Filter/env/MODE/value")
    );
}

#[test]
fn meaning_of_twins_sizes_and_counts() {
    let twin = "/modulesContent/Filter/properties.desired";
    assert_eq!(
        after(twin, "/list", json!([1])),
        warning("twin.value", "/list")
    );
    assert_eq!(after(twin, "/a.b", json!(1)), error("twin.value", "/a.b"));
    assert_eq!(
        after(twin, "/big", json!(i64::MAX)),
        error("twin.value", "/big")
    );
    assert_eq!(
        after(
            "/modulesContent",
            "/Nobody",
            json!({"properties.desired": {}})
        ),
        warning("twin.module", "/Nobody")
    );
    let many: serde_json::Map<String, Value> = (0..51)
        .map(|n| (format!("m{n}"), filter_entry().to_value().expect("short")))
        .collect();
    let codes: Vec<&str> = after(AGENT, "/modules", Value::Object(many))
        .iter()
        .map(|(code, _, _)| *code)
        .filter(|code| *code == "modules.count")
        .collect();
    assert_eq!(codes, ["modules.count"]);
    let wide: serde_json::Map<String, Value> = (0..9)
        .map(|n| (format!("p{n}"), json!("x".repeat(4000))))
        .collect();
    assert_eq!(
        after(
            "/modulesContent/Filter",
            "/properties.desired",
            Value::Object(wide)
        ),
        error("twin.size", "")
    );
}

#[test]
fn what_plain_json_has_not_is_told() {
    let text = serde_json::to_string_pretty(&sound()).expect("prints");
    let text = text.replacen("{\n", "{ // mine\n", 1).replacen(
        "\"modules\": {",
        "\"modules\": {}, \"modules\": {",
        1,
    );
    let told: Vec<(&str, Level)> = validate(&read(&text))
        .iter()
        .map(|p| (p.code, p.level))
        .collect();
    assert_eq!(
        told,
        [
            ("json.comment", Level::Warning),
            ("json.duplicate-key", Level::Error)
        ]
    );
}

#[test]
fn hostile_documents_are_answered_quickly_and_shortly() {
    let many: String = (0..50_000).map(|n| format!("\"k{n}\":[1,],")).collect();
    let commas = validate(&read(&format!("{{{many}}}")));
    assert!(commas.len() <= crate::deployment::PROBLEMS_MAX + 1);
    let open = "<".repeat(300_000) + &"${".repeat(200_000);
    assert!(!validate(&read(&json!({"a": open}).to_string())).is_empty());
    let keys: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("$k{n}"), json!(1))).collect();
    let told = problems_of(&json!({"modulesContent": keys}));
    assert_eq!(told.len(), crate::deployment::PROBLEMS_MAX + 1);
    assert_eq!(
        told.last().map(|problem| problem.code),
        Some("problems.more")
    );
}
