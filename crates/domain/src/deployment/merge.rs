//! One module merged into a deployment that exists: only insertions, and none at all when anything clashes.
//!
//! Every conflict is told at once. Left out: changing or removing what is there.

mod conflicts;

use std::ops::Range;

use serde::Serialize;
use serde_json::{Value, json};

use super::build::{agent_paths, layered_twin, route_paths};
use super::diff::{Change, ChangeKind};
use super::document::{Document, Kind};
use super::entry::ModuleEntry;
use super::insert::{Addition, InsertProblem, insert, insert_value};
use super::view::{AGENT, DESIRED, HUB, View};
use crate::create_options::escape;
use conflicts::Conflicts;

/// Whether a module is added to a complete manifest or to a layered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A complete manifest, or a template of one.
    Full,
    /// A layered deployment.
    Layered,
}

impl Form {
    /// The form of a document.
    pub fn of(document: &Document) -> Self {
        match document.kind() {
            Kind::Layered => Self::Layered,
            Kind::Manifest | Kind::Template => Self::Full,
        }
    }
}

/// A document with a module more.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The new text.
    pub text: String,
    /// What was inserted, as byte ranges of the new text; without them it is the old text.
    pub inserted: Vec<Range<usize>>,
    /// What was added, by JSON pointer.
    pub changes: Vec<Change>,
}

/// Why a module cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// A stable code, such as `name.taken`.
    pub code: &'static str,
    /// Where in the document, as a JSON pointer; empty when the module itself is at fault.
    pub pointer: String,
    /// What clashes.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Merges a module into a document.
///
/// # Errors
/// Every conflict: names, routes and host ports taken, a twin section that exists, credentials that differ, limits
/// passed, placeholders left over, an image, route or createOptions the device refuses, or a document of another
/// form.
pub fn merge(
    document: &Document,
    entry: &ModuleEntry,
    form: Form,
) -> Result<Merged, Vec<Conflict>> {
    let view = View::of(document.value());
    let mut conflicts = Conflicts::default();
    conflicts.of_entry(entry);
    conflicts.of_form(document, &view, entry, form);
    conflicts.of_names(&view, entry);
    conflicts.of_ports(document, &view, entry);
    conflicts.of_version(&view, entry);
    if !conflicts.0.is_empty() {
        return Err(conflicts.0);
    }
    let additions = match additions(document, &view, entry, form) {
        Ok(additions) => additions,
        Err(problem) => {
            return Err(vec![conflict(
                "create-options",
                "",
                problem,
                "shorten createOptions",
            )]);
        }
    };
    let mut after = document.value().clone();
    insert_value(&mut after, &additions);
    conflicts.of_limits(&View::of(&after));
    if !conflicts.0.is_empty() {
        return Err(conflicts.0);
    }
    let inserted =
        insert(document.write(), &additions).map_err(|problem| vec![unplaced(problem)])?;
    // The last word has a reader of the new text: it must say exactly what was meant.
    match Document::parse(&inserted.text) {
        Ok(read) if *read.value() == after => Ok(Merged {
            text: inserted.text,
            inserted: inserted.spans,
            changes: additions.into_iter().map(change).collect(),
        }),
        _ => Err(vec![conflict(
            "document",
            "",
            "the document is written in a way that cannot be added to safely".to_owned(),
            "format it as plain JSON and try again",
        )]),
    }
}

fn conflict(code: &'static str, pointer: &str, what: String, fix: &str) -> Conflict {
    Conflict {
        code,
        pointer: pointer.to_owned(),
        what,
        fix: fix.to_owned(),
    }
}

fn pointer_of(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", escape(key))).collect()
}

fn change(addition: Addition) -> Change {
    Change {
        pointer: pointer_of(&addition.path),
        kind: ChangeKind::Added,
        value: addition.value,
    }
}

fn unplaced(problem: InsertProblem) -> Conflict {
    match problem {
        InsertProblem::Unreadable(problem) => {
            conflict("document", "", problem.to_string(), "correct the document")
        }
        InsertProblem::Taken(path) => conflict(
            "name.taken",
            &pointer_of(&path),
            "this is in the document already".to_owned(),
            "choose another name",
        ),
        InsertProblem::NoObject(path) => conflict(
            "document",
            &pointer_of(&path),
            "this is no object, so nothing can be added to it".to_owned(),
            "make it an object",
        ),
    }
}

/// What is added where, by the document's own spelling of the way.
fn additions(
    document: &Document,
    view: &View<'_>,
    entry: &ModuleEntry,
    form: Form,
) -> Result<Vec<Addition>, String> {
    let content: Vec<String> = view
        .content_pointer
        .split('/')
        .skip(1)
        .map(str::to_owned)
        .collect();
    let mut additions = Vec::new();
    let mut add = |way: &[&str], value: Value| {
        let mut path = content.clone();
        path.extend(way.iter().map(|key| (*key).to_owned()));
        additions.push(Addition { path, value });
    };
    let known = |id: &str| view.credentials.iter().any(|part| part.name == id);
    match form {
        Form::Full => {
            if let Some(registry) = entry
                .credentials
                .as_ref()
                .filter(|registry| !known(&registry.id))
            {
                let way = [
                    AGENT,
                    DESIRED,
                    "runtime",
                    "settings",
                    "registryCredentials",
                    &registry.id,
                ];
                add(&way, registry.to_value());
            }
            let value = match document.kind() {
                Kind::Template => entry.to_template_value(),
                _ => entry.to_value().map_err(|problem| problem.to_string())?,
            };
            add(&[AGENT, DESIRED, "modules", &entry.name], value);
            for route in &entry.routes {
                add(
                    &[HUB, DESIRED, "routes", &route.name],
                    route.value.clone().into(),
                );
            }
            if !entry.twin.is_empty() {
                add(&[&entry.name], json!({DESIRED: entry.twin}));
            }
        }
        Form::Layered => {
            for (path, value) in agent_paths(entry).map_err(|problem| problem.to_string())? {
                let id = path.rsplit('.').next().unwrap_or_default();
                if !path.contains(".registryCredentials.") || !known(id) {
                    add(&[AGENT, &path], value);
                }
            }
            for (path, value) in route_paths(entry) {
                add(&[HUB, &path], value);
            }
            if !entry.twin.is_empty() {
                add(&[&entry.name], layered_twin(entry));
            }
        }
    }
    Ok(additions)
}
