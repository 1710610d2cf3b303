//! What a deployment says, wherever it says it: modules, routes, twins and credentials of a manifest, a template or
//! a layered deployment, each with its JSON pointer.
//!
//! A view never complains: what is missing or of another kind is simply not in it.

use serde_json::{Map, Value};

use crate::create_options::escape;

/// A named part of a deployment.
#[derive(Debug, Clone)]
pub(super) struct Part<'d> {
    pub(super) name: String,
    pub(super) pointer: String,
    pub(super) value: &'d Value,
}

/// The parts of a deployment.
#[derive(Debug, Clone, Default)]
pub(super) struct View<'d> {
    /// Pointer of `modulesContent`, which tools also spell `moduleContent` and wrap in `content`.
    pub(super) content_pointer: String,
    /// `modulesContent` itself.
    pub(super) content: Option<&'d Map<String, Value>>,
    pub(super) modules: Vec<Part<'d>>,
    pub(super) system_modules: Vec<Part<'d>>,
    pub(super) routes: Vec<Part<'d>>,
    /// Sections of the modules' own twins.
    pub(super) twins: Vec<Part<'d>>,
    pub(super) credentials: Vec<Part<'d>>,
}

/// The key of a section's desired properties, and the start of a layered path.
pub(super) const DESIRED: &str = "properties.desired";
/// The section of the edge agent.
pub(super) const AGENT: &str = "$edgeAgent";
/// The section of the edge hub.
pub(super) const HUB: &str = "$edgeHub";

impl<'d> View<'d> {
    pub(super) fn of(document: &'d Value) -> Self {
        let mut view = View::default();
        let (prefix, outer) = match document.get("content") {
            Some(inner @ Value::Object(_)) => ("/content", inner),
            _ => ("", document),
        };
        let spelt = ["modulesContent", "moduleContent"]
            .into_iter()
            .find_map(|key| Some((key, outer.get(key)?)));
        let Some((key, content)) = spelt else {
            return view;
        };
        view.content_pointer = format!("{prefix}/{key}");
        view.content = content.as_object();
        for (name, section) in view.content.into_iter().flatten() {
            let pointer = format!("{}/{}", view.content_pointer, escape(name));
            let Some(members) = section.as_object() else {
                continue;
            };
            match name.as_str() {
                AGENT => view.read_agent(members, &pointer),
                HUB => view.read_hub(members, &pointer),
                _ => view.twins.push(Part {
                    name: name.clone(),
                    pointer,
                    value: section,
                }),
            }
        }
        view
    }

    /// Whether only paths are added to a base: `$edgeAgent` has no desired properties of its own, and either it or
    /// the hub's section has paths, or both are empty.
    pub(super) fn is_layered(&self) -> bool {
        let Some(content) = self.content else {
            return false;
        };
        let section = |name| content.get(name).and_then(Value::as_object);
        let paths_only =
            |members: &Map<String, Value>| members.keys().all(|key| path_of(key).is_some());
        section(AGENT).is_some_and(paths_only) && section(HUB).is_none_or(paths_only)
    }

    /// The schema version a section declares.
    pub(super) fn schema_version(&self, section: &str) -> Option<&'d Value> {
        self.content?
            .get(section)?
            .get(DESIRED)?
            .get("schemaVersion")
    }

    fn read_agent(&mut self, members: &'d Map<String, Value>, pointer: &str) {
        for (key, value) in members {
            let pointer = format!("{pointer}/{}", escape(key));
            if key == DESIRED {
                push_all(
                    &mut self.modules,
                    value.get("modules"),
                    &format!("{pointer}/modules"),
                );
                let system = format!("{pointer}/systemModules");
                push_all(
                    &mut self.system_modules,
                    value.get("systemModules"),
                    &system,
                );
                let credentials = "/runtime/settings/registryCredentials";
                let at = format!("{pointer}{credentials}");
                push_all(&mut self.credentials, value.pointer(credentials), &at);
            } else if let Some(path) = path_of(key) {
                // A layered path may also set all modules at once: then its value is the collection.
                let (parts, rest) = if let Some(rest) = below(path, "modules") {
                    (&mut self.modules, rest)
                } else if let Some(rest) = below(path, "systemModules") {
                    (&mut self.system_modules, rest)
                } else if let Some(rest) = below(path, "runtime.settings.registryCredentials") {
                    (&mut self.credentials, rest)
                } else {
                    continue;
                };
                push_path(parts, rest, value, pointer);
            }
        }
    }

    fn read_hub(&mut self, members: &'d Map<String, Value>, pointer: &str) {
        for (key, value) in members {
            let pointer = format!("{pointer}/{}", escape(key));
            if key == DESIRED {
                push_all(
                    &mut self.routes,
                    value.get("routes"),
                    &format!("{pointer}/routes"),
                );
            } else if let Some(rest) = path_of(key).and_then(|path| below(path, "routes")) {
                push_path(&mut self.routes, rest, value, pointer);
            }
        }
    }
}

/// The path after `properties.desired.`; none for an empty path.
pub(super) fn path_of(key: &str) -> Option<&str> {
    key.strip_prefix(DESIRED)?
        .strip_prefix('.')
        .filter(|path| !path.is_empty())
}

/// What follows `head` in a dotted path; empty when the path ends there.
fn below<'p>(path: &'p str, head: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(head)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('.')
    }
}

fn push_all<'d>(parts: &mut Vec<Part<'d>>, collection: Option<&'d Value>, pointer: &str) {
    for (name, value) in collection.and_then(Value::as_object).into_iter().flatten() {
        parts.push(Part {
            name: name.clone(),
            pointer: format!("{pointer}/{}", escape(name)),
            value,
        });
    }
}

fn push_path<'d>(parts: &mut Vec<Part<'d>>, rest: &str, value: &'d Value, pointer: String) {
    if rest.is_empty() {
        push_all(parts, Some(value), &pointer);
    } else if !rest.contains('.') {
        // A deeper path sets one field of a module that a lower layer has.
        parts.push(Part {
            name: rest.to_owned(),
            pointer,
            value,
        });
    }
}
