//! Deployments: built, read, checked and merged into, on fixtures of our own.

mod building;
mod merging;
mod reading;
mod validating;

use serde_json::{Value, json};

use super::{Document, ModuleEntry, Runtime, full};
use crate::defaults::{Defaults, NamedJson, NamedText};

/// A filter with something of everything.
fn filter() -> Defaults {
    Defaults {
        module_name: "Filter".into(),
        routes: vec![
            NamedText::new(
                "SensorToFilter",
                "FROM /messages/modules/Sensor/outputs/temperature INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")",
            ),
            NamedText::new(
                "FilterToCloud",
                "FROM /messages/modules/Filter/outputs/* INTO $upstream",
            ),
        ],
        twin: vec![
            NamedJson::new("Threshold", json!(30)),
            NamedJson::new("Unit", json!({"name": "C"})),
        ],
        env: vec![NamedText::new("MODE", "say \"hi\"\n{}")],
        create_options:
            r#"{ "HostConfig": {"PortBindings": {"5012/tcp": [{"HostPort": "5012"}]}} }"#.into(),
    }
}

fn sensor() -> ModuleEntry {
    let defaults = Defaults {
        module_name: "Sensor".into(),
        ..Defaults::default()
    };
    ModuleEntry::new(&defaults, "registry.example/sensor:1.0.0", None)
}

fn filter_entry() -> ModuleEntry {
    let digest = "0".repeat(64);
    ModuleEntry::new(
        &filter(),
        &format!("registry.example/filter@sha256:{digest}"),
        None,
    )
}

/// A manifest with the sensor in it.
fn sensor_manifest() -> Value {
    full(&[sensor()], &Runtime::default()).expect("short createOptions")
}

fn read(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}
