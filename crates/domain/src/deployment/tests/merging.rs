//! Merging: what the new text looks like, what stops it, and that nothing else changes.

use super::*;
use crate::deployment::{
    ChangeKind, Form, Merged, RegistryCredentials, diff, layered, merge, validate,
};
use proptest::prelude::*;

fn merged(text: &str, entry: &ModuleEntry) -> Merged {
    let document = read(text);
    merge(&document, entry, Form::of(&document))
        .unwrap_or_else(|conflicts| panic!("{conflicts:#?}\n{text}"))
}

fn without_insertions(merged: &Merged) -> String {
    let mut text = merged.text.clone();
    for span in merged.inserted.iter().rev() {
        text.replace_range(span.clone(), "");
    }
    text
}

/// A module that adds just one line each.
fn small() -> ModuleEntry {
    let mut entry = sensor();
    entry.name = "Small".into();
    entry.twin.insert("A".into(), json!(1));
    entry.routes = vec![NamedText::new(
        "SmallUp",
        "FROM /messages/modules/Small/* INTO $upstream",
    )];
    entry
}

/// The smallest text that a module can be merged into, with the modules, routes and the end of the content given.
fn page(modules: &str, routes: &str, end: &str) -> String {
    format!(
        "{{\n  \"modulesContent\": {{\n    \"$edgeAgent\": {{\"properties.desired\": {{\n      \"schemaVersion\": \"1.1\",\n      \"modules\": {modules}\n    }}}},\n    \"$edgeHub\": {{\"properties.desired\": {{\"schemaVersion\": \"1.1\", \"routes\": {routes}}}}}{end}\n  }}\n}}\n"
    )
}

#[test]
fn members_look_like_their_neighbours() {
    let text = page(
        "{\n        \"Old\": {} // the first\n      }",
        "{\"r\": \"x\"}",
        " // end",
    );
    let new = merged(&text, &small()).text;
    assert!(new.contains("        \"Old\": {}, // the first\n        \"Small\": {\n          \"version\": \"1.0\",\n"), "{new}");
    assert!(
        new.contains("\"routes\": {\"r\": \"x\", \"SmallUp\":\"FROM /messages"),
        "{new}"
    );
    assert!(new.contains("}}}, // end\n    \"Small\": {\n      \"properties.desired\": {\n        \"A\": 1\n      }\n    }\n  }\n}\n"), "{new}");
}

#[test]
fn empty_objects_and_trailing_commas() {
    let new = merged(&page("{}", "{ }", ","), &small()).text;
    assert!(
        new.contains("      \"modules\": {\n        \"Small\": {\n          \"version\""),
        "{new}"
    );
    assert!(new.contains("}}},\n    \"Small\": {"), "{new}");
    let commented = merged(&page("{ // none yet\n      }", "{}", ""), &small()).text;
    assert!(
        commented.contains("\"modules\": { // none yet\n        \"Small\": {"),
        "{commented}"
    );
    let block = merged(&page("{ /* none */ }", "{\n /* r */\n}", ""), &small()).text;
    assert!(
        block.contains("\"modules\": { /* none */\n        \"Small\""),
        "{block}"
    );
}

#[test]
fn one_line_stays_one_line() {
    let text = sensor_manifest().to_string();
    let new = merged(&text, &filter_entry());
    assert!(
        !new.text.contains('\n') && !new.text.contains("\": "),
        "{}",
        new.text
    );
    assert_eq!(without_insertions(&new), text);
}

#[test]
fn line_ends_tabs_and_a_byte_order_mark_stay() {
    let text = serde_json::to_string_pretty(&sensor_manifest()).expect("prints");
    let text = format!("\u{feff}{}", text.replace("  ", "\t").replace('\n', "\r\n"));
    let new = merged(&text, &filter_entry());
    assert_eq!(without_insertions(&new), text);
    assert!(new.text.starts_with('\u{feff}') && !new.text.ends_with('\n'));
    let bare = new.text.replace("\r\n", "");
    assert!(!bare.contains('\n') && !bare.contains("  "), "{}", new.text);
    assert_eq!(validate(&read(&new.text)), []);
}

#[test]
fn the_result_is_what_a_full_manifest_would_be() {
    let mut entry = filter_entry();
    entry.credentials = Some(RegistryCredentials {
        id: "r".into(),
        username: "u".into(),
        password: "p".into(),
        address: "a".into(),
    });
    let text = Document::from_value(&sensor_manifest());
    let new = merged(text.write(), &entry);
    let direct = full(&[sensor(), entry], &Runtime::default()).expect("builds");
    assert_eq!(diff(read(&new.text).value(), &direct), []);
    let changes: Vec<(&str, ChangeKind)> = new
        .changes
        .iter()
        .map(|c| (c.pointer.as_str(), c.kind))
        .collect();
    assert_eq!(
        changes,
        [
            (
                "/modulesContent/$edgeAgent/properties.desired/runtime/settings/registryCredentials/r",
                ChangeKind::Added
            ),
            (
                "/modulesContent/$edgeAgent/properties.desired/modules/Filter",
                ChangeKind::Added
            ),
            (
                "/modulesContent/$edgeHub/properties.desired/routes/SensorToFilter",
                ChangeKind::Added
            ),
            (
                "/modulesContent/$edgeHub/properties.desired/routes/FilterToCloud",
                ChangeKind::Added
            ),
            ("/modulesContent/Filter", ChangeKind::Added),
        ]
    );
}

#[test]
fn templates_get_objects_and_layers_get_paths() {
    let mut template = sensor_manifest();
    template["$schema-template"] = json!("2.0.0");
    let new = merged(Document::from_value(&template).write(), &filter_entry());
    let value = read(&new.text).value().clone();
    let settings = &value["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Filter"]
        ["settings"];
    assert!(settings["createOptions"]["HostConfig"].is_object());
    assert_eq!(validate(&read(&new.text)), []);
    let base = layered(&[]).expect("builds");
    let new = merged(Document::from_value(&base).write(), &filter_entry());
    assert_eq!(
        *read(&new.text).value(),
        layered(&[filter_entry()]).expect("builds")
    );
}

fn codes(document: &Value, change: impl FnOnce(&mut ModuleEntry)) -> Vec<&'static str> {
    let mut entry = filter_entry();
    change(&mut entry);
    let document = Document::from_value(document);
    match merge(&document, &entry, Form::of(&document)) {
        Ok(_) => Vec::new(),
        Err(conflicts) => conflicts.iter().map(|conflict| conflict.code).collect(),
    }
}

fn bound(port: &str) -> String {
    json!({"HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": port}]}}}).to_string()
}

#[test]
fn each_conflict_by_its_code() {
    let base = sensor_manifest();
    assert_eq!(codes(&base, |_| ()), [] as [&str; 0]);
    let taken = full(&[sensor(), filter_entry()], &Runtime::default()).expect("builds");
    assert_eq!(
        codes(&taken, |_| ()),
        [
            "name.taken",
            "twin.taken",
            "route.taken",
            "route.taken",
            "port.taken"
        ]
    );
    assert_eq!(codes(&taken, |entry| *entry = sensor()), ["name.taken"]);
    for name in ["", "a.b", "a b", "EdgeHub", &"a".repeat(129)] {
        assert_eq!(
            codes(&base, |entry| entry.name = name.to_owned()),
            ["name.invalid"],
            "{name:?}"
        );
    }
    assert_eq!(
        codes(&base, |entry| entry.image = "a:1@sha256:0".into()),
        ["image"]
    );
}

#[test]
fn each_conflict_of_what_the_module_brings() {
    let base = sensor_manifest();
    for port in ["443", "5671", "8883"] {
        assert_eq!(
            codes(&base, |entry| entry.create_options = bound(port)),
            ["port.taken"]
        );
        let layer = layered(&[]).expect("builds");
        assert_eq!(
            codes(&layer, |entry| entry.create_options = bound(port)),
            ["port.taken"]
        );
    }
    assert_eq!(
        codes(&base, |entry| entry.create_options = bound("<PORT>")),
        ["placeholder", "ports"]
    );
    assert_eq!(
        codes(&base, |entry| entry.create_options = "[]".into()),
        ["create-options"]
    );
    assert_eq!(
        codes(&base, |entry| entry.env[0].value = "<MODE>".into()),
        ["placeholder"]
    );
    assert_eq!(
        codes(&base, |entry| entry.env[0].name = "IOTEDGE_X".into()),
        ["env"]
    );
    assert_eq!(
        codes(&base, |entry| entry.routes[0].value = "FROM".into()),
        ["route"]
    );
    assert_eq!(
        codes(&base, |entry| entry.routes[0].value =
            "FROM /messages\nINTO $upstream".into()),
        ["route"]
    );
    assert_eq!(
        codes(&base, |entry| entry.routes[0].name = "a b".into()),
        ["route"]
    );
    assert_eq!(
        codes(&base, |entry| {
            entry.twin.insert("l".into(), json!([]));
        }),
        ["twin"]
    );
    assert_eq!(
        codes(&base, |entry| entry.twin.extend(
            (0..9).map(|n| (format!("p{n}"), json!("x".repeat(4000))))
        )),
        ["twin.size"]
    );
    assert_eq!(
        codes(&base, |entry| entry.create_options =
            json!({"Labels": {"a": "x".repeat(32_000)}}).to_string()),
        ["twin.size"]
    );
}

#[test]
fn conflicts_of_the_document() {
    let document = Document::from_value(&sensor_manifest());
    let form = merge(&document, &filter_entry(), Form::Layered).expect_err("another form");
    assert_eq!(form[0].code, "form");
    assert_eq!(codes(&json!({}), |_| ()), ["document", "document"]);
    assert_eq!(
        codes(
            &json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": 1}}, "$edgeHub": {"properties.desired": {}}}}),
            |_| ()
        ),
        ["document"]
    );
    assert_eq!(
        codes(
            &json!({"modulesContent": {"$edgeAgent": {"properties.desired": {}}}}),
            |_| ()
        ),
        ["document"]
    );
    let many: Vec<ModuleEntry> = (0..50)
        .map(|n| ModuleEntry {
            name: format!("m{n}"),
            ..sensor()
        })
        .collect();
    let full_up = full(&many, &Runtime::default()).expect("builds");
    assert_eq!(codes(&full_up, |_| ()), ["modules.count"]);
    let mut old = sensor_manifest();
    old["modulesContent"]["$edgeAgent"]["properties.desired"]["schemaVersion"] = json!("1.0");
    assert_eq!(
        codes(&old, |entry| entry.startup_order = Some(1)),
        ["version"]
    );
    let credentials = |password: &str| RegistryCredentials {
        id: "r".into(),
        username: "u".into(),
        password: password.into(),
        address: "a".into(),
    };
    let known = full(
        &[ModuleEntry {
            credentials: Some(credentials("p")),
            ..sensor()
        }],
        &Runtime::default(),
    )
    .expect("builds");
    assert_eq!(
        codes(&known, |entry| entry.credentials = Some(credentials("p"))),
        [] as [&str; 0]
    );
    assert_eq!(
        codes(&known, |entry| entry.credentials = Some(credentials("q"))),
        ["credentials"]
    );
}

#[test]
fn a_conflict_names_its_place() {
    let taken = full(&[sensor(), filter_entry()], &Runtime::default()).expect("builds");
    let conflicts =
        merge(&Document::from_value(&taken), &filter_entry(), Form::Full).expect_err("taken");
    assert_eq!(
        conflicts[0].pointer,
        "/modulesContent/$edgeAgent/properties.desired/modules/Filter"
    );
    assert!(
        conflicts[4]
            .what
            .contains("Filter takes host port 5012/tcp"),
        "{conflicts:?}"
    );
}

/// Prints a value in a layout that the choices decide: line breaks, indentation, comments, trailing commas.
fn sprawl(
    value: &Value,
    depth: usize,
    choices: &mut impl Iterator<Item = u8>,
    layout: (&str, &str),
    out: &mut String,
) {
    let (newline, unit) = layout;
    let Value::Object(members) = value else {
        out.push_str(&value.to_string());
        return;
    };
    let choice = choices.next().unwrap_or(0);
    let spread = !choice.is_multiple_of(4);
    let gap = |out: &mut String, depth: usize| {
        if spread {
            out.push_str(newline);
            out.push_str(&unit.repeat(depth));
        }
    };
    out.push('{');
    if choice % 7 == 1 {
        out.push_str(" /* { */ ");
    }
    for (index, (key, item)) in members.iter().enumerate() {
        gap(out, depth + 1);
        out.push_str(&Value::String(key.clone()).to_string());
        out.push_str(if choice.is_multiple_of(2) { ": " } else { " :" });
        sprawl(item, depth + 1, choices, layout, out);
        let last = index + 1 == members.len();
        if !last || choice % 5 == 2 {
            out.push_str(if choice.is_multiple_of(3) { " ," } else { "," });
        }
        if spread && choice % 6 == 3 {
            out.push_str(" // } \", \"");
        }
    }
    if !members.is_empty() || choice.is_multiple_of(2) {
        gap(out, depth);
    }
    out.push('}');
}

proptest! {
    #[test]
    fn nothing_but_insertions_changes(
        choices in prop::collection::vec(any::<u8>(), 64),
        newline in prop::sample::select(vec!["\n", "\r\n"]),
        unit in prop::sample::select(vec!["  ", "\t", "   "]),
        mark in any::<bool>(),
        end in prop::sample::select(vec!["", "\n", "\r\n\r\n", " // bye"]),
        layer in any::<bool>(),
        empty in any::<bool>(),
    ) {
        let others = if empty { vec![] } else { vec![sensor()] };
        let value = if layer { layered(&others) } else { full(&others, &Runtime::default()) }.expect("builds");
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
        sprawl(&value, 0, &mut choices.into_iter().cycle().take(4096), (newline, unit), &mut text);
        text.push_str(end);
        let document = read(&text);
        prop_assert_eq!(document.value(), &value);
        prop_assert_eq!(document.write(), &text);
        let new = merge(&document, &filter_entry(), Form::of(&document)).expect("no conflict");
        prop_assert_eq!(without_insertions(&new), text);
        let read_again = read(&new.text);
        let added = diff(&value, read_again.value());
        prop_assert!(added.iter().all(|change| change.kind == ChangeKind::Added), "{:?}", added);
        let notes = |document: &Document| document.notes().iter().filter(|n| n.kind != crate::deployment::NoteKind::TrailingComma).count();
        prop_assert_eq!(notes(&read_again), notes(&document));
    }
}
