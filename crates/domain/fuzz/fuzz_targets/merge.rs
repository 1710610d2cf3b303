//! A module merged into any deployment: taking the inserted spans out again gives the old text, byte for byte, and
//! every change is where it says.
#![no_main]

use domain::defaults::{Defaults, NamedJson, NamedText};
use domain::deployment::{Document, Form, ModuleEntry, RegistryCredentials, merge};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fn entry() -> ModuleEntry {
    let defaults = Defaults {
        module_name: "Added".into(),
        routes: vec![NamedText::new("AddedToCloud", "FROM /messages/modules/Added/* INTO $upstream")],
        twin: vec![NamedJson::new("Threshold", json!({"a": [1, "two", null]}))],
        env: vec![NamedText::new("MODE", "say \"hi\"\n{}")],
        create_options: r#"{"HostConfig":{"PortBindings":{"5012/tcp":[{"HostPort":"5012"}]}}}"#.into(),
    };
    let mut entry = ModuleEntry::new(&defaults, "registry.example/added:1.0.0", None);
    entry.credentials = Some(RegistryCredentials {
        id: "market".into(),
        username: "token".into(),
        password: "p\"w".into(),
        address: "registry.example".into(),
    });
    entry
}

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else {
        return;
    };
    for form in [Form::Full, Form::Layered] {
        let Ok(merged) = merge(&document, &entry(), form) else {
            continue;
        };
        let mut old = String::new();
        let mut at = 0;
        for span in &merged.inserted {
            assert!(at <= span.start && span.start <= span.end);
            old.push_str(&merged.text[at..span.start]);
            at = span.end;
        }
        old.push_str(&merged.text[at..]);
        assert_eq!(old, text);
        let read = Document::parse(&merged.text).expect("what was merged reads");
        for change in &merged.changes {
            assert_eq!(read.value().pointer(&change.pointer), Some(&change.value), "{}", change.pointer);
        }
        assert!(merge(&read, &entry(), form).is_err(), "the same module twice");
    }
});
