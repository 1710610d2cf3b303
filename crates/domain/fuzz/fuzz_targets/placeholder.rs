//! Any values into any defaults: filled or refused as a whole, never a leaf more or fewer, and a value stays one string.
//!
//! Lines of the input: value, route, environment variable, a line of JSON for the twin, the rest createOptions.
#![no_main]

use std::collections::BTreeMap;

use domain::defaults::{Defaults, NamedJson, NamedText};
use domain::placeholder::{fill, find};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The same value with every string leaf made equal.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::String(String::new()),
        Value::Array(all) => all.iter().map(shape).collect(),
        Value::Object(all) => Value::Object(all.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
        other => other.clone(),
    }
}

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (value, route, variable, twin) = (line(), line(), line(), line());
    let defaults = Defaults {
        module_name: "Module".into(),
        routes: vec![NamedText::new("Route", route)],
        twin: vec![NamedJson::new("Twin", serde_json::from_str(twin).unwrap_or_default())],
        env: vec![NamedText::new("VARIABLE", variable)],
        create_options: line().to_owned(),
    };
    let wanted = find(&defaults);
    let values: BTreeMap<String, String> =
        wanted.iter().map(|placeholder| (placeholder.name.clone(), value.to_owned())).collect();
    let filled = match fill(&defaults, &values) {
        Ok(filled) => filled,
        Err(unfilled) => {
            assert!(!unfilled.is_empty());
            return;
        }
    };
    assert_eq!(shape(&filled.twin[0].value), shape(&defaults.twin[0].value));
    if let Ok(before) = serde_json::from_str::<Value>(&defaults.create_options) {
        let after = serde_json::from_str::<Value>(&filled.create_options).expect("createOptions stay JSON");
        assert_eq!(shape(&after), shape(&before));
    }
    if wanted.is_empty() {
        assert_eq!(filled, defaults, "nothing to fill, nothing changed");
    }
    if !value.contains('<') && !value.contains('>') && !text.contains("<<") {
        let left = find(&filled);
        assert!(left.iter().all(|placeholder| !values.contains_key(&placeholder.name)), "{left:?}");
    }
});
