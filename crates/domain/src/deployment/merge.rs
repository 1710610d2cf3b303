//! One module merged into a deployment that exists: only insertions, and none at all when anything clashes.
//!
//! Every conflict is told at once. Left out: changing or removing what is there.

use std::ops::Range;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::build::{agent_paths, layered_twin, route_paths};
use super::diff::{Change, ChangeKind};
use super::document::{Document, Kind};
use super::entry::ModuleEntry;
use super::image::check_image;
use super::insert::{Addition, InsertProblem, insert, insert_value};
use super::schema::Name;
use super::semantics::{options_of, section_bytes};
use super::view::{AGENT, DESIRED, HUB, View};
use super::MODULES_MAX;
use crate::create_options::{CreateOptions, EDGE_HUB_PORTS, HostPort, escape};
use crate::env;
use crate::placeholder::{each_leaf, scan};
use crate::route::Route;
use crate::twin::{self, TwinProblemKind};
use crate::violation::Level;

/// Characters of a module's name (domain fact sheet §12.7).
const MODULE_NAME_CHARS_MAX: usize = 128;

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
pub fn merge(document: &Document, entry: &ModuleEntry, form: Form) -> Result<Merged, Vec<Conflict>> {
    let view = View::of(document.value());
    let mut conflicts = Conflicts::default();
    conflicts.of_entry(entry);
    conflicts.of_form(document, &view, form);
    conflicts.of_names(&view, entry);
    conflicts.of_ports(document, &view, entry);
    conflicts.of_version(&view, entry);
    if !conflicts.0.is_empty() {
        return Err(conflicts.0);
    }
    let additions = match additions(document, &view, entry, form) {
        Ok(additions) => additions,
        Err(problem) => return Err(vec![conflict("create-options", "", problem, "shorten createOptions")]),
    };
    let mut after = document.value().clone();
    insert_value(&mut after, &additions);
    conflicts.of_limits(&View::of(&after));
    if !conflicts.0.is_empty() {
        return Err(conflicts.0);
    }
    let inserted = insert(document.write(), &additions).map_err(|problem| vec![unplaced(problem)])?;
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
    let content: Vec<String> = view.content_pointer.split('/').skip(1).map(str::to_owned).collect();
    let mut additions = Vec::new();
    let mut add = |way: &[&str], value: Value| {
        let mut path = content.clone();
        path.extend(way.iter().map(|key| (*key).to_owned()));
        additions.push(Addition { path, value });
    };
    let known = |id: &str| view.credentials.iter().any(|part| part.name == id);
    match form {
        Form::Full => {
            if let Some(registry) = entry.credentials.as_ref().filter(|registry| !known(&registry.id)) {
                let way = [AGENT, DESIRED, "runtime", "settings", "registryCredentials", &registry.id];
                add(&way, registry.to_value());
            }
            let value = match document.kind() {
                Kind::Template => entry.to_template_value(),
                _ => entry.to_value().map_err(|problem| problem.to_string())?,
            };
            add(&[AGENT, DESIRED, "modules", &entry.name], value);
            for route in &entry.routes {
                add(&[HUB, DESIRED, "routes", &route.name], route.value.clone().into());
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

/// The conflicts found so far.
#[derive(Default)]
struct Conflicts(Vec<Conflict>);

impl Conflicts {
    fn push(&mut self, code: &'static str, pointer: &str, what: String, fix: &str) {
        self.0.push(conflict(code, pointer, what, fix));
    }

    /// What is wrong with the module wherever it goes.
    fn of_entry(&mut self, entry: &ModuleEntry) {
        let reserved = ["edgeAgent", "edgeHub"];
        if !Name::Module.fits(&entry.name)
            || entry.name.len() > MODULE_NAME_CHARS_MAX
            || reserved.iter().any(|name| entry.name.eq_ignore_ascii_case(name))
        {
            self.push(
                "name.invalid",
                "",
                format!("{:?} is no name for a module", entry.name),
                "use 1 to 128 letters, digits, `_` and `-`, and neither edgeAgent nor edgeHub",
            );
        }
        if let Err(refused) = check_image(&entry.image) {
            self.push("image", "", refused.to_string(), "name the image by digest alone");
        }
        self.of_placeholders(entry);
        if let Err(problem) = CreateOptions::parse(&entry.create_options) {
            self.push("create-options", "", problem.to_string(), "correct createOptions");
        }
        for variable in &entry.env {
            if !env::is_name(&variable.name) || env::is_agents(&variable.name) {
                let what = format!("{:?} is no name for a variable of a module", variable.name);
                self.push("env", "", what, "rename it; IOTEDGE_ names are the agent's");
            }
        }
        for route in &entry.routes {
            self.of_route(&route.name, &route.value);
        }
        for limit in twin::check_section(&entry.twin) {
            if limit.kind != TwinProblemKind::Null {
                let what = format!("twin{}: {}, found {}", limit.pointer, limit.limit, limit.found);
                self.push("twin", "", what, limit.fix);
            }
        }
    }

    fn of_placeholders(&mut self, entry: &ModuleEntry) {
        let options = CreateOptions::parse(&entry.create_options).unwrap_or_default();
        let leaves = json!({
            "image": entry.image,
            "env": entry.env.iter().map(|v| (v.name.clone(), v.value.clone().into())).collect::<Map<_, _>>(),
            "twin": entry.twin,
            "routes": entry.routes.iter().map(|r| (r.name.clone(), r.value.clone().into())).collect::<Map<_, _>>(),
            "createOptions": options.members(),
        });
        each_leaf(&leaves, "", &mut |place, text| {
            for (_, name) in scan(text) {
                let what = format!("the placeholder <{name}> in {} is not filled", &place[1..]);
                self.push("placeholder", "", what, "give it a value");
            }
        });
    }

    fn of_route(&mut self, name: &str, text: &str) {
        if !Name::Plain.fits(name) {
            let what = format!("{name:?} is no name for a route");
            self.push("route", "", what, "use a name without `.`, `$`, `#` and blanks");
        }
        // A placeholder has been told already.
        if scan(text).next().is_some() {
            return;
        }
        match Route::parse(text) {
            Err(problem) => {
                self.push("route", "", format!("route {name}: {problem}"), "correct the route");
            }
            Ok(route) => {
                for remark in route.semantic() {
                    if remark.level == Level::Error {
                        let what = format!("route {name}: {}", remark.what);
                        self.push("route", "", what, &remark.fix);
                    }
                }
            }
        }
    }

    fn of_form(&mut self, document: &Document, view: &View<'_>, form: Form) {
        if Form::of(document) != form {
            let (is, asked) = match form {
                Form::Full => ("layered", "a complete manifest"),
                Form::Layered => ("a complete manifest", "a layered deployment"),
            };
            let what = format!("the document is {is}, the module is wanted in {asked}");
            self.push("form", "", what, "ask for the other form, or give the other document");
            return;
        }
        if form == Form::Layered {
            return;
        }
        for (section, needed) in [(AGENT, true), (HUB, false)] {
            let desired = view
                .content
                .and_then(|content| content.get(section))
                .and_then(|section| section.get(DESIRED));
            if !desired.is_some_and(Value::is_object) && (needed || view.content.is_none()) {
                let pointer = format!("{}/{section}", view.content_pointer);
                let what = format!("the document has no {section} with {DESIRED} to add to");
                self.push("document", &pointer, what, "give a deployment manifest");
                return;
            }
        }
    }

    fn of_names(&mut self, view: &View<'_>, entry: &ModuleEntry) {
        for module in &view.modules {
            if module.name.eq_ignore_ascii_case(&entry.name) {
                let what = format!("there is a module {} already", module.name);
                self.push("name.taken", &module.pointer, what, "choose another module name");
            }
        }
        for section in &view.twins {
            if section.name.eq_ignore_ascii_case(&entry.name) && !entry.twin.is_empty() {
                let what = format!("there is a twin section {} already", section.name);
                let fix = "choose another module name, or remove the section";
                self.push("twin.taken", &section.pointer, what, fix);
            }
        }
        for route in &view.routes {
            if entry.routes.iter().any(|new| new.name == route.name) {
                let what = format!("there is a route {} already", route.name);
                self.push("route.taken", &route.pointer, what, "rename the route or the module");
            }
        }
        for (index, route) in entry.routes.iter().enumerate() {
            if entry.routes[..index].iter().any(|other| other.name == route.name) {
                let what = format!("the module brings two routes called {}", route.name);
                self.push("route.taken", "", what, "rename one of them");
            }
        }
        let missing_hub = view.content.is_some_and(|content| !content.contains_key(HUB));
        if missing_hub && !entry.routes.is_empty() && !view.is_layered() {
            let what = "the document has no $edgeHub section for the module's routes".to_owned();
            self.push("document", &view.content_pointer, what, "add $edgeHub to the document");
        }
        let Some(registry) = &entry.credentials else {
            return;
        };
        if !Name::Plain.fits(&registry.id) {
            let what = format!("{:?} is no name for registry credentials", registry.id);
            self.push("credentials", "", what, "use a name without `.`, `$`, `#` and blanks");
        }
        for known in &view.credentials {
            if known.name == registry.id && *known.value != registry.to_value() {
                let what = format!("there are other credentials called {}", known.name);
                self.push("credentials", &known.pointer, what, "rename one of them");
            }
        }
    }

    fn of_ports(&mut self, document: &Document, view: &View<'_>, entry: &ModuleEntry) {
        let Ok(options) = CreateOptions::parse(&entry.create_options) else {
            return;
        };
        let (wanted, problems) = options.host_ports();
        for problem in problems {
            let what = format!("createOptions{}: {}", problem.pointer, problem.what);
            self.push("ports", "", what, "correct PortBindings");
        }
        let mut taken: Vec<(String, String, HostPort)> = Vec::new();
        for module in view.system_modules.iter().chain(&view.modules) {
            let settings = module.value.get("settings").and_then(Value::as_object);
            if let Some(Ok(Some(options))) = settings.map(options_of) {
                let ports = options.host_ports().0.into_iter();
                taken.extend(ports.map(|port| (module.name.clone(), module.pointer.clone(), port)));
            } else if module.name == "edgeHub" {
                taken.extend(usual_hub_ports(&module.pointer));
            }
        }
        // A layer lies on a base that is not here; the edge hub in it takes what it usually takes.
        if document.kind() == Kind::Layered {
            taken.extend(usual_hub_ports(""));
        }
        for port in &wanted {
            if let Some((owner, pointer, _)) = taken.iter().find(|(_, _, other)| other.collides(port)) {
                let what = format!("{owner} takes host port {}/{} already", port.port, port.protocol);
                let fix = "give the module another HostPort in its createOptions";
                self.push("port.taken", pointer, what, fix);
            }
        }
    }

    fn of_version(&mut self, view: &View<'_>, entry: &ModuleEntry) {
        let old = view.schema_version(AGENT).and_then(Value::as_str) == Some("1.0");
        if old && entry.startup_order.is_some() {
            let pointer = format!("{}/{AGENT}/{DESIRED}/schemaVersion", view.content_pointer);
            let what = "a start-up order needs schemaVersion 1.1 of $edgeAgent".to_owned();
            self.push("version", &pointer, what, "leave the order out, or raise schemaVersion");
        }
    }

    /// Limits of the deployment with the module in it.
    fn of_limits(&mut self, after: &View<'_>) {
        if after.modules.len() > MODULES_MAX {
            let what = format!("{} modules would be on the device, at most {MODULES_MAX} fit", after.modules.len());
            self.push("modules.count", &after.content_pointer, what, "remove a module first");
        }
        for (name, section) in after.content.into_iter().flatten() {
            let size = section_bytes(section);
            if size > twin::DESIRED_BYTES_MAX {
                let pointer = format!("{}/{}", after.content_pointer, escape(name));
                let what = format!(
                    "the desired properties of {name} would have {size} bytes, at most {} fit",
                    twin::DESIRED_BYTES_MAX
                );
                self.push("twin.size", &pointer, what, "shorten createOptions and env of the modules");
            }
        }
    }
}

fn usual_hub_ports(pointer: &str) -> impl Iterator<Item = (String, String, HostPort)> {
    EDGE_HUB_PORTS.into_iter().map(move |port| {
        let port = HostPort {
            port,
            protocol: "tcp".into(),
            address: String::new(),
            pointer: String::new(),
        };
        ("edgeHub".to_owned(), pointer.to_owned(), port)
    })
}
