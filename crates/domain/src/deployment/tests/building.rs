//! Full and layered deployments from modules.

use super::*;
use crate::deployment::{Kind, RegistryCredentials, layered, validate};

fn credentials() -> RegistryCredentials {
    RegistryCredentials {
        id: "edgemart".into(),
        username: "pull".into(),
        password: "s3cret-word".into(),
        address: "registry.example".into(),
    }
}

#[test]
fn a_full_manifest_has_nothing_to_complain_about() {
    let mut entry = filter_entry();
    entry.credentials = Some(credentials());
    entry.startup_order = Some(3);
    let value = full(&[sensor(), entry], &Runtime::default()).expect("builds");
    let document = Document::from_value(&value);
    assert_eq!(document.kind(), Kind::Manifest);
    assert_eq!(validate(&document), []);
    assert_eq!(*read(document.write()).value(), value);
    let agent = &value["modulesContent"]["$edgeAgent"]["properties.desired"];
    assert_eq!(agent["schemaVersion"], "1.1");
    assert_eq!(
        agent["modules"]["Filter"]["env"]["MODE"]["value"],
        "say \"hi\"\n{}"
    );
    assert_eq!(agent["modules"]["Filter"]["startupOrder"], 3);
    assert_eq!(
        agent["runtime"]["settings"]["registryCredentials"]["edgemart"]["username"],
        "pull"
    );
    let options = agent["modules"]["Filter"]["settings"]["createOptions"].as_str();
    assert_eq!(
        options,
        Some(r#"{"HostConfig":{"PortBindings":{"5012/tcp":[{"HostPort":"5012"}]}}}"#)
    );
    assert_eq!(
        value["modulesContent"]["Filter"]["properties.desired"]["Threshold"],
        30
    );
    assert!(
        value["modulesContent"].get("Sensor").is_none(),
        "an empty twin is left alone"
    );
}

#[test]
fn a_layered_deployment_only_adds_paths() {
    let mut entry = filter_entry();
    entry.credentials = Some(credentials());
    let value = layered(&[entry]).expect("builds");
    let document = Document::from_value(&value);
    assert_eq!(document.kind(), Kind::Layered);
    assert_eq!(validate(&document), []);
    let keys: Vec<&String> = value["modulesContent"]["$edgeAgent"]
        .as_object()
        .expect("object")
        .keys()
        .collect();
    assert_eq!(
        keys,
        [
            "properties.desired.runtime.settings.registryCredentials.edgemart",
            "properties.desired.modules.Filter",
        ]
    );
    assert_eq!(
        value["modulesContent"]["Filter"]["properties.desired.Unit"],
        json!({"name": "C"})
    );
    let empty = layered(&[]).expect("builds");
    assert_eq!(empty, json!({"modulesContent": {"$edgeAgent": {}}}));
}

#[test]
fn another_name_is_followed_by_routes() {
    let entry = ModuleEntry::new(&filter(), "x", Some("Second"));
    let told: Vec<(&str, &str)> = entry
        .routes
        .iter()
        .map(|r| (r.name.as_str(), r.value.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "SensorToSecond",
                "FROM /messages/modules/Sensor/outputs/temperature INTO BrokeredEndpoint(\"/modules/Second/inputs/in\")"
            ),
            (
                "SecondToCloud",
                "FROM /messages/modules/Second/outputs/* INTO $upstream"
            ),
        ]
    );
}

#[test]
fn long_create_options_are_cut_where_the_hub_needs_it() {
    let mut entry = filter_entry();
    let label = "x".repeat(10_000);
    entry.create_options = json!({"Labels": {"a": label}}).to_string();
    let value = entry.to_value().expect("three pieces");
    let keys: Vec<&String> = value["settings"]
        .as_object()
        .expect("object")
        .keys()
        .collect();
    assert_eq!(
        keys,
        [
            "image",
            "createOptions",
            "createOptions01",
            "createOptions02"
        ]
    );
    let manifest = full(&[sensor(), entry], &Runtime::default()).expect("builds");
    let problems = validate(&Document::from_value(&manifest));
    assert_eq!(problems, []);
}

#[test]
fn a_password_is_not_printed() {
    let printed = format!("{:?}", credentials());
    assert!(printed.contains("pull") && !printed.contains("s3cret-word"));
}
