//! Whether a deployment is right: which shapes it is held against, and every problem at once.
//!
//! Manifests: the envelope by 1.0 or 2.0, each section by the schema its own `schemaVersion` names, an unknown
//! version being a warning. Templates: by `$schema-template` alone, since their createOptions may be objects, which
//! the sections' schemas refuse. Layered: by our rules, as nobody published any. What shapes cannot tell is in
//! [`super::semantics`].

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::document::{Document, Kind, NoteKind, is_variable};
use super::envelope::{Envelope, Template, manifest, template};
use super::schema::{Checker, Name, Rule, Shape};
use super::sections::{
    AGENT_1_0, AGENT_1_1, HubVersion, Profile, agent, credential, hub, module, route,
};
use super::semantics;
use super::view::{AGENT, DESIRED, HUB, View, path_of};
use crate::create_options::escape;
use crate::violation::Level;

/// Problems told of one document.
pub const PROBLEMS_MAX: usize = 1000;

/// A problem of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// [`Level::Error`] when the hub, the agent or edgeHub refuses it.
    pub level: Level,
    /// Where, as a JSON pointer; the empty pointer is the whole document.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What would be right: the limit, the rule or the members expected.
    pub expected: String,
    /// What to do.
    pub fix: String,
    /// A stable code, such as `schema.required` or `route.grammar`.
    pub code: &'static str,
}

/// Checks a document; errors and warnings in document order of the checks.
pub fn validate(document: &Document) -> Vec<Problem> {
    let view = View::of(document.value());
    let mut problems = notes(document);
    if view.content_pointer.ends_with("/moduleContent") {
        problems.push(Problem {
            level: Level::Warning,
            pointer: view.content_pointer.clone(),
            what: "moduleContent is an old misspelling that not every tool takes".into(),
            expected: "modulesContent".into(),
            fix: "rename the key to modulesContent".into(),
            code: "envelope.legacy-key",
        });
    }
    match document.kind() {
        Kind::Manifest => {
            problems.extend(check_manifest(document.value(), &view));
        }
        Kind::Template => problems.extend(check_template(document.value(), &view)),
        Kind::Layered => problems.extend(check_layered(document, &view)),
    }
    let shaped: BTreeSet<String> = problems
        .iter()
        .map(|problem| problem.pointer.clone())
        .collect();
    problems.extend(
        semantics::check(document, &view)
            .into_iter()
            .filter(|problem| {
                // That a piece of createOptions is no string, the shape has said already.
                problem.code != "create-options.piece" || !shaped.contains(&problem.pointer)
            }),
    );
    // Envelope and section may find the same.
    let mut seen = BTreeSet::new();
    problems.retain(|problem| seen.insert((problem.pointer.clone(), problem.what.clone())));
    bounded(problems)
}

/// Keeps an answer to a hostile document from growing far beyond the document: errors first when there are too many.
fn bounded(mut problems: Vec<Problem>) -> Vec<Problem> {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    if more > 0 {
        problems.sort_by_key(|problem| problem.level);
        problems.truncate(PROBLEMS_MAX);
        problems.push(Problem {
            level: Level::Warning,
            pointer: String::new(),
            what: format!("{more} more problems are not listed"),
            expected: format!("at most {PROBLEMS_MAX} problems in one answer"),
            fix: "mend the first ones and check again".into(),
            code: "problems.more",
        });
    }
    problems
}

fn notes(document: &Document) -> Vec<Problem> {
    let plain_json = "plain JSON, which every hub and tool takes";
    document
        .notes()
        .iter()
        .map(|note| {
            let place = format!("line {} column {}", note.line, note.column);
            let (level, what, expected, fix, code) = match note.kind {
                NoteKind::Comment => (
                    Level::Warning,
                    format!("a comment at {place}"),
                    plain_json,
                    "remove comments before handing the file to a tool that reads plain JSON",
                    "json.comment",
                ),
                NoteKind::TrailingComma => (
                    Level::Warning,
                    format!("a trailing comma at {place}"),
                    plain_json,
                    "remove the comma",
                    "json.trailing-comma",
                ),
                NoteKind::DuplicateKey => (
                    Level::Error,
                    format!("the key at {place} was given before; only this one counts"),
                    "each key once in an object",
                    "rename or remove one of them",
                    "json.duplicate-key",
                ),
            };
            Problem {
                level,
                pointer: note.pointer.clone(),
                what,
                expected: expected.into(),
                fix: fix.into(),
                code,
            }
        })
        .collect()
}

/// The object that holds `modulesContent` with that key spelt as the schemas do, and its pointer.
fn outer(document: &Value, view: &View<'_>) -> (Map<String, Value>, String) {
    let steps: Vec<&str> = view.content_pointer.rsplitn(2, '/').collect();
    let (key, prefix) = match steps.as_slice() {
        [key, prefix] => (*key, *prefix),
        _ => ("modulesContent", ""),
    };
    let members = document
        .pointer(prefix)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let members = members
        .into_iter()
        .map(|(name, value)| {
            let name = if name == key {
                "modulesContent".to_owned()
            } else {
                name
            };
            (name, value)
        })
        .collect();
    (members, prefix.to_owned())
}

/// Problems by each shape; none if one shape has none, else those of the shape with the fewest.
fn either(document: &Value, view: &View<'_>, shapes: &[Shape], variables: bool) -> Vec<Problem> {
    let (members, prefix) = outer(document, view);
    let fewest = shapes
        .iter()
        .map(|shape| {
            let mut checker = Checker {
                variables,
                ..Checker::default()
            };
            checker.shape(&members, shape, &prefix);
            checker.problems
        })
        .min_by_key(Vec::len)
        .unwrap_or_default();
    // The shapes spell modulesContent; the pointer is the author's.
    let spelt = format!("{prefix}/modulesContent");
    fewest
        .into_iter()
        .map(|problem| match problem.pointer.strip_prefix(&spelt) {
            Some(rest) => Problem {
                pointer: format!("{}{rest}", view.content_pointer),
                ..problem
            },
            None => problem,
        })
        .collect()
}

fn check_manifest(document: &Value, view: &View<'_>) -> Vec<Problem> {
    let shapes = [manifest(Envelope::V2), manifest(Envelope::V1)];
    let mut problems = either(document, view, &shapes, false);
    let agent_version = view.schema_version(AGENT).and_then(Value::as_str);
    let agent_shape = match agent_version {
        Some("1.0") => Some(agent(&AGENT_1_0)),
        Some("1.1") => Some(agent(&AGENT_1_1)),
        _ => None,
    };
    check_section(
        view,
        AGENT,
        agent_version,
        agent_shape.as_ref(),
        &mut problems,
    );
    let hub_version = view.schema_version(HUB).and_then(Value::as_str);
    let hub_shape = hub_version
        .and_then(HubVersion::named)
        .map(|version| hub(version, true));
    check_section(view, HUB, hub_version, hub_shape.as_ref(), &mut problems);
    problems
}

fn check_section(
    view: &View<'_>,
    name: &str,
    version: Option<&str>,
    shape: Option<&Shape>,
    problems: &mut Vec<Problem>,
) {
    let pointer = format!("{}/{name}", view.content_pointer);
    let section = view.content.and_then(|content| content.get(name));
    match (section.and_then(Value::as_object), shape, version) {
        (Some(section), Some(shape), _) => {
            let mut checker = Checker::default();
            checker.shape(section, shape, &pointer);
            problems.extend(checker.problems);
        }
        (_, None, Some(version)) => problems.push(unknown_version(
            format!("{pointer}/{DESIRED}/schemaVersion"),
            version,
            if name == AGENT {
                "1.0 or 1.1"
            } else {
                "1.0, 1.1, 1.2 or 1.3"
            },
        )),
        // That it is missing, the envelope has said.
        _ => {}
    }
}

fn unknown_version(pointer: String, version: &str, known: &str) -> Problem {
    Problem {
        level: Level::Warning,
        pointer,
        what: format!(
            "version {version:?} is not known here, so the part is not checked by its schema"
        ),
        expected: known.to_owned(),
        fix: "use a known version, or check the part against its own documentation".into(),
        code: "schema.version",
    }
}

fn check_template(document: &Value, view: &View<'_>) -> Vec<Problem> {
    let declared = document.get("$schema-template").and_then(Value::as_str);
    let version = declared.and_then(Template::named);
    let shapes = match version {
        Some(version) => vec![template(version)],
        None => vec![template(Template::V2), template(Template::V1)],
    };
    let mut problems = either(document, view, &shapes, true);
    if let (Some(declared), None) = (declared, version) {
        let pointer = "/$schema-template".to_owned();
        problems.push(unknown_version(
            pointer,
            declared,
            "1.0.0, 2.0.0, 3.0.0 or 4.0.0",
        ));
    }
    for (section, known) in [(AGENT, "1.0 or 1.1"), (HUB, "1.0, 1.1, 1.2 or 1.3")] {
        let Some(version) = view.schema_version(section).and_then(Value::as_str) else {
            continue;
        };
        let is_known = match section {
            AGENT => matches!(version, "1.0" | "1.1"),
            _ => HubVersion::named(version).is_some(),
        };
        if !is_known && !is_variable(version) {
            let pointer = format!("{}/{section}/{DESIRED}/schemaVersion", view.content_pointer);
            problems.push(unknown_version(pointer, version, known));
        }
    }
    problems
}

/// Our rules for layered deployments (domain fact sheet §12.9): only paths under `properties.desired`, and what
/// stands under a path of the modules, routes or credentials has the shape it has in a manifest.
fn check_layered(document: &Document, view: &View<'_>) -> Vec<Problem> {
    let variables = document.has_variables();
    let profile = Profile {
        object_options: variables,
        ..AGENT_1_1
    };
    let mut checker = Checker {
        variables,
        ..Checker::default()
    };
    let groups = [
        (&view.modules, Name::Module, Rule::Object(module(&profile))),
        (&view.routes, Name::Plain, route()),
        (
            &view.credentials,
            Name::Plain,
            Rule::Object(credential(false)),
        ),
    ];
    for (parts, name, rule) in groups {
        for part in parts {
            checker.check(part.value, &rule, &part.pointer);
            if !name.fits(&part.name) {
                checker
                    .problems
                    .push(layered_key(part.pointer.clone(), &part.name));
            }
        }
    }
    for (name, section) in view.content.into_iter().flatten() {
        let pointer = format!("{}/{}", view.content_pointer, escape(name));
        let Some(members) = section.as_object() else {
            checker.check(section, &Rule::Members, &pointer);
            continue;
        };
        for key in members.keys() {
            let pointer = format!("{pointer}/{}", escape(key));
            let head = path_of(key).map(|path| path.split('.').next().unwrap_or(path));
            let known = match (name.as_str(), head) {
                (AGENT, Some(head)) => {
                    ["schemaVersion", "runtime", "systemModules", "modules"].contains(&head)
                }
                (HUB, Some(head)) => [
                    "schemaVersion",
                    "routes",
                    "storeAndForwardConfiguration",
                    "mqttBroker",
                    "integrity",
                ]
                .contains(&head),
                (_, Some(_)) => Name::Module.fits(name),
                (_, None) => Name::Module.fits(name) && key == DESIRED,
            };
            if !known {
                checker.problems.push(layered_key(pointer, key));
            }
        }
    }
    checker.problems
}

fn layered_key(pointer: String, key: &str) -> Problem {
    Problem {
        level: Level::Error,
        pointer,
        what: format!("{key:?} is no path that a layered deployment sets"),
        expected: "properties.desired.modules.<module>, properties.desired.routes.<route>, or \
                   properties.desired.<path> in a module's own section"
            .into(),
        fix: "correct the path".into(),
        code: "layered.path",
    }
}
