//! What stands in the way of a merge.

use serde_json::{Map, Value, json};

use super::{Conflict, Form, conflict};
use crate::create_options::{CreateOptions, EDGE_HUB_PORTS, HostPort, escape};
use crate::deployment::MODULES_MAX;
use crate::deployment::document::{Document, Kind};
use crate::deployment::entry::ModuleEntry;
use crate::deployment::image::check_image;
use crate::deployment::schema::Name;
use crate::deployment::semantics::{options_of, section_bytes};
use crate::deployment::view::{AGENT, DESIRED, HUB, View};
use crate::env;
use crate::placeholder::{each_leaf, scan};
use crate::route::Route;
use crate::twin::{self, TwinProblemKind};
use crate::violation::Level;

/// Characters of a module's name (domain fact sheet §12.7).
const MODULE_NAME_CHARS_MAX: usize = 128;

/// The conflicts found so far.
#[derive(Default)]
pub(super) struct Conflicts(pub(super) Vec<Conflict>);

impl Conflicts {
    fn push(&mut self, code: &'static str, pointer: &str, what: String, fix: &str) {
        self.0.push(conflict(code, pointer, what, fix));
    }

    /// What is wrong with the module wherever it goes.
    pub(super) fn of_entry(&mut self, entry: &ModuleEntry) {
        let reserved = ["edgeAgent", "edgeHub"];
        if !Name::Module.fits(&entry.name)
            || entry.name.len() > MODULE_NAME_CHARS_MAX
            || reserved
                .iter()
                .any(|name| entry.name.eq_ignore_ascii_case(name))
        {
            self.push(
                "name.invalid",
                "",
                format!("{:?} is no name for a module", entry.name),
                "use 1 to 128 letters, digits, `_` and `-`, and neither edgeAgent nor edgeHub",
            );
        }
        if let Err(refused) = check_image(&entry.image) {
            self.push(
                "image",
                "",
                refused.to_string(),
                "name the image by digest alone",
            );
        }
        self.of_placeholders(entry);
        if let Err(problem) = CreateOptions::parse(&entry.create_options) {
            self.push(
                "create-options",
                "",
                problem.to_string(),
                "correct createOptions",
            );
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
                let what = format!(
                    "twin{}: {}, found {}",
                    limit.pointer, limit.limit, limit.found
                );
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
            self.push(
                "route",
                "",
                what,
                "use a name without `.`, `$`, `#` and blanks",
            );
        }
        if text.contains('\n') {
            let what =
                format!("route {name} spreads over lines, which the manifest's schema refuses");
            self.push("route", "", what, "write it on one line");
        }
        // A placeholder has been told already.
        if scan(text).next().is_some() {
            return;
        }
        match Route::parse(text) {
            Err(problem) => {
                self.push(
                    "route",
                    "",
                    format!("route {name}: {problem}"),
                    "correct the route",
                );
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

    pub(super) fn of_form(
        &mut self,
        document: &Document,
        view: &View<'_>,
        entry: &ModuleEntry,
        form: Form,
    ) {
        if Form::of(document) != form {
            let (is, asked) = match form {
                Form::Full => ("layered", "a complete manifest"),
                Form::Layered => ("a complete manifest", "a layered deployment"),
            };
            let what = format!("the document is {is}, the module is wanted in {asked}");
            self.push(
                "form",
                "",
                what,
                "ask for the other form, or give the other document",
            );
            return;
        }
        if form == Form::Layered {
            return;
        }
        let mut needed = vec![AGENT];
        if !entry.routes.is_empty() {
            needed.push(HUB);
        }
        for section in needed {
            let desired = view
                .content
                .and_then(|content| content.get(section))
                .and_then(|section| section.get(DESIRED));
            if !desired.is_some_and(Value::is_object) {
                let pointer = format!("{}/{section}", view.content_pointer);
                let what = format!("the document has no {section} with {DESIRED} to add to");
                self.push(
                    "document",
                    &pointer,
                    what,
                    "give a complete deployment manifest",
                );
            }
        }
    }

    pub(super) fn of_names(&mut self, view: &View<'_>, entry: &ModuleEntry) {
        for module in &view.modules {
            if module.name.eq_ignore_ascii_case(&entry.name) {
                let what = format!("there is a module {} already", module.name);
                self.push(
                    "name.taken",
                    &module.pointer,
                    what,
                    "choose another module name",
                );
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
                self.push(
                    "route.taken",
                    &route.pointer,
                    what,
                    "rename the route or the module",
                );
            }
        }
        for (index, route) in entry.routes.iter().enumerate() {
            if entry.routes[..index]
                .iter()
                .any(|other| other.name == route.name)
            {
                let what = format!("the module brings two routes called {}", route.name);
                self.push("route.taken", "", what, "rename one of them");
            }
        }
        let Some(registry) = &entry.credentials else {
            return;
        };
        if !Name::Plain.fits(&registry.id) {
            let what = format!("{:?} is no name for registry credentials", registry.id);
            self.push(
                "credentials",
                "",
                what,
                "use a name without `.`, `$`, `#` and blanks",
            );
        }
        for known in &view.credentials {
            if known.name == registry.id && *known.value != registry.to_value() {
                let what = format!("there are other credentials called {}", known.name);
                self.push("credentials", &known.pointer, what, "rename one of them");
            }
        }
    }

    pub(super) fn of_ports(&mut self, document: &Document, view: &View<'_>, entry: &ModuleEntry) {
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
            if let Some((owner, pointer, _)) =
                taken.iter().find(|(_, _, other)| other.collides(port))
            {
                let what = format!(
                    "{owner} takes host port {}/{} already",
                    port.port, port.protocol
                );
                let fix = "give the module another HostPort in its createOptions";
                self.push("port.taken", pointer, what, fix);
            }
        }
    }

    pub(super) fn of_version(&mut self, view: &View<'_>, entry: &ModuleEntry) {
        let old = view.schema_version(AGENT).and_then(Value::as_str) == Some("1.0");
        if old && entry.startup_order.is_some() {
            let pointer = format!("{}/{AGENT}/{DESIRED}/schemaVersion", view.content_pointer);
            let what = "a start-up order needs schemaVersion 1.1 of $edgeAgent".to_owned();
            self.push(
                "version",
                &pointer,
                what,
                "leave the order out, or raise schemaVersion",
            );
        }
    }

    /// Limits of the deployment with the module in it.
    pub(super) fn of_limits(&mut self, after: &View<'_>) {
        if after.modules.len() > MODULES_MAX {
            let what = format!(
                "{} modules would be on the device, at most {MODULES_MAX} fit",
                after.modules.len()
            );
            self.push(
                "modules.count",
                &after.content_pointer,
                what,
                "remove a module first",
            );
        }
        for (name, section) in after.content.into_iter().flatten() {
            let size = section_bytes(section);
            if size > twin::DESIRED_BYTES_MAX {
                let pointer = format!("{}/{}", after.content_pointer, escape(name));
                let what = format!(
                    "the desired properties of {name} would have {size} bytes, at most {} fit",
                    twin::DESIRED_BYTES_MAX
                );
                self.push(
                    "twin.size",
                    &pointer,
                    what,
                    "shorten createOptions and env of the modules",
                );
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
