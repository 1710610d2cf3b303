//! Real manifests and the route oracle, read from the folder that `EDGEMART_CORPUS` names.
//!
//! Not part of an ordinary test run, because the files are other people's and are not kept here; asked for, it
//! fails when the folder is missing. `make corpus EDGEMART_CORPUS=…` runs it.

use std::path::{Path, PathBuf};

use domain::deployment::{Document, Form, Kind, Level, ModuleEntry, merge, validate};
use domain::route::Route;
use serde_json::Value;

const WHY: &str = "needs EDGEMART_CORPUS; run by make corpus";

fn corpus() -> PathBuf {
    let folder = std::env::var_os("EDGEMART_CORPUS").expect(WHY);
    // Cargo runs tests in the crate's folder; a relative path is meant from the workspace.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join(folder);
    assert!(folder.is_dir(), "{} is no folder", folder.display());
    folder
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path))
        .unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Name and text of every deployment, in order of names.
fn deployments() -> Vec<(String, String)> {
    let folder = corpus().join("deployments");
    let mut files: Vec<(String, String)> = std::fs::read_dir(&folder)
        .unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()))
        .map(|file| {
            let path = file.expect("a folder entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, read(&path))
        })
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} deployments found", files.len());
    files
}

fn parsed(name: &str, text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

fn errors(document: &Document) -> Vec<String> {
    validate(document)
        .into_iter()
        .filter(|problem| problem.level == Level::Error)
        .map(|problem| format!("{} {}: {}", problem.code, problem.pointer, problem.what))
        .collect()
}

#[test]
fn every_route_has_the_verdict_of_the_published_grammar() {
    let oracle = json(&corpus().join("route-grammar-oracle.json"));
    let routes = oracle["routes"].as_array().expect("routes");
    assert!(routes.len() >= 20);
    for case in routes {
        let text = case["route"].as_str().expect("a text");
        let (grammar, consumed) = match Route::parse(text) {
            Ok(route) => (true, route.unread().is_none()),
            Err(_) => (false, true),
        };
        assert_eq!(Some(grammar), case["grammarOk"].as_bool(), "{text}");
        assert_eq!(Some(consumed), case["consumedAll"].as_bool(), "{text}");
        let told = case["semantic"].as_str();
        let semantic = Route::parse(text)
            .map(|route| route.semantic())
            .unwrap_or_default();
        match told {
            // Noted by the oracle as accepted, with nothing to say against it.
            Some(note) if note.starts_with("accepted: ") => assert_eq!(semantic, [], "{text}"),
            Some(note) => assert!(!semantic.is_empty(), "{text}: {note}"),
            None => assert_eq!(semantic, [], "{text}"),
        }
        if told.is_some_and(|note| note.contains("rejects")) {
            assert!(
                semantic.iter().any(|problem| problem.level == Level::Error),
                "{text}"
            );
        }
    }
}

#[test]
fn every_deployment_is_read_and_written_as_it_is() {
    for (name, text) in deployments() {
        assert_eq!(parsed(&name, &text).write(), text, "{name}");
        let same: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !same.is_null() {
            assert_eq!(*parsed(&name, &text).value(), same, "{name}");
        }
    }
}

/// Whether the published schemas find an error, by what the file itself declares: a manifest is in order by either
/// envelope and by each section's own version, a template by its own version or, undeclared, by 1.0 or 2.0.
fn expected(document: &Document, verdict: &Value) -> bool {
    let faulty = |row: &str| verdict[row]["errors"].as_u64().map(|count| count > 0);
    let both = |one: &str, two: &str| match (faulty(one), faulty(two)) {
        (Some(one), Some(two)) => one && two,
        _ => panic!("no verdict {one} or {two} in {verdict}"),
    };
    let declared = document.value()["$schema-template"].as_str();
    if let Some(version) = declared {
        let row = format!("deployment-template-{}", version.trim_end_matches(".0"));
        let row = if row.contains('.') {
            row
        } else {
            format!("{row}.0")
        };
        return faulty(&row).unwrap_or_else(|| panic!("no verdict {row}"));
    }
    if !verdict["deployment-template-1.0"].is_null() {
        return both("deployment-template-1.0", "deployment-template-2.0");
    }
    both("deployment-1.0", "deployment-2.0")
        || faulty("edgeAgent").unwrap_or(false)
        || faulty("edgeHub").unwrap_or(false)
}

#[test]
fn every_deployment_has_the_verdict_of_the_schemas_it_names() {
    let verdicts = json(&corpus().join("expected-schema-verdicts.json"));
    let mut wrong = Vec::new();
    for (name, text) in deployments() {
        let document = parsed(&name, &text);
        let errors = errors(&document);
        let verdict = &verdicts["files"][name.as_str()];
        assert!(!verdict.is_null(), "{name} has no verdict");
        // No schema was published for layered deployments; by our rules the real ones are in order. What is
        // shipped as a bad example has an error even where the laxer envelope lets it pass.
        let faulty = match document.kind() {
            Kind::Layered => false,
            _ => name.starts_with("INVALID-") || expected(&document, verdict),
        };
        if faulty == errors.is_empty() {
            wrong.push(format!(
                "{name}: expected faulty={faulty}, found {errors:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bad_examples_are_refused_for_the_right_reason() {
    let mut seen = 0;
    for (name, text) in deployments()
        .into_iter()
        .filter(|(name, _)| name.starts_with("INVALID-"))
    {
        let told = errors(&parsed(&name, &text)).join("\n");
        if name.contains("createoptions") {
            for place in [
                "csharpfunction2/settings/createOptions",
                "csharpfunction/settings/createOptions",
            ] {
                assert!(told.contains(place), "{name}: {place} in\n{told}");
            }
            assert!(told.contains("createOptions04"), "{name}:\n{told}");
        } else {
            for place in [
                "registryCredentials/test: address is missing",
                "registryCredentials/test/username",
                "registryCredentials/test2/address",
            ] {
                assert!(told.contains(place), "{name}: {place} in\n{told}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 2, "bad examples in the corpus");
}

#[test]
fn a_module_goes_into_every_deployment_and_nothing_else_changes() {
    let defaults = serde_json::json!({
        "module_name": "CorpusProbe",
        "routes": [{"name": "CorpusProbeToCloud", "value": "FROM /messages/modules/CorpusProbe/* INTO $upstream"}],
        "twin": [{"name": "Rate", "value": {"seconds": 5}}],
        "env": [{"name": "MODE", "value": "quiet \"here\""}],
        "create_options": {"HostConfig": {"PortBindings": {"5012/tcp": [{"HostPort": "50123"}]}}}
    });
    let defaults = serde_json::from_value(defaults).expect("defaults");
    let entry = ModuleEntry::new(&defaults, "registry.example/probe@sha256:00", None);
    for (name, text) in deployments() {
        let document = parsed(&name, &text);
        let hub = text.contains("\"$edgeHub\"");
        let merged = match merge(&document, &entry, Form::of(&document)) {
            Ok(merged) => merged,
            Err(conflicts) => {
                assert!(!hub, "{name}: {conflicts:?}");
                continue;
            }
        };
        let mut back = merged.text.clone();
        for span in merged.inserted.iter().rev() {
            back.replace_range(span.clone(), "");
        }
        assert_eq!(back, text, "{name}");
        let again = parsed(&name, &merged.text);
        assert_eq!(errors(&again), errors(&document), "{name}\n{}", merged.text);
    }
}
