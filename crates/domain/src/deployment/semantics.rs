//! What shapes cannot tell: images, createOptions, host ports, routes, twins, sizes, counts, placeholders.
//!
//! Where a template leaves something to a `${VARIABLE}` nothing is said about it.

use serde_json::{Map, Value};

use super::document::{Document, Kind, is_variable};
use super::image::check_image;
use super::validate::Problem;
use super::view::{AGENT, DESIRED, HUB, Part, View, path_of};
use super::MODULES_MAX;
use crate::create_options::chunks::join;
use crate::create_options::{CreateOptions, HostPort, escape, lint};
use crate::placeholder::{each_leaf, scan};
use crate::route::{Route, SemanticKind, Sink};
use crate::twin::{self, TwinProblemKind};
use crate::violation::Level;
use crate::env;

/// Every problem of meaning.
pub(super) fn check(document: &Document, view: &View<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut ports = Vec::new();
    for module in view.system_modules.iter().chain(&view.modules) {
        check_module(module, document, &mut ports, &mut problems);
    }
    check_ports(&ports, &mut problems);
    for route in &view.routes {
        check_route(route, document, view, &mut problems);
    }
    check_twins(document, view, &mut problems);
    check_sizes(view, &mut problems);
    check_placeholders(document.value(), &mut problems);
    problems
}

fn problem(
    level: Level,
    code: &'static str,
    pointer: impl Into<String>,
    what: impl Into<String>,
    expected: impl Into<String>,
    fix: impl Into<String>,
) -> Problem {
    Problem {
        level,
        pointer: pointer.into(),
        what: what.into(),
        expected: expected.into(),
        fix: fix.into(),
        code,
    }
}

/// createOptions of a module's settings: a lone object, as templates have it, or the joined pieces.
///
/// `Ok(None)` when there are none or a variable stands for them.
pub(super) fn options_of(settings: &Map<String, Value>) -> Result<Option<CreateOptions>, String> {
    if let Some(Value::Object(members)) = settings.get("createOptions")
        && settings.keys().filter(|key| crate::create_options::chunks::is_piece(key)).count() == 1
    {
        return Ok(Some(CreateOptions::from_members(members.clone())));
    }
    let Some(text) = join(settings).map_err(|problem| problem.to_string())? else {
        return Ok(None);
    };
    match CreateOptions::parse(&text) {
        Ok(options) => Ok(Some(options)),
        Err(_) if is_variable(&text) => Ok(None),
        Err(problem) => Err(problem.to_string()),
    }
}

fn check_module(
    module: &Part<'_>,
    document: &Document,
    ports: &mut Vec<(String, HostPort)>,
    problems: &mut Vec<Problem>,
) {
    let Some(settings) = module.value.get("settings").and_then(Value::as_object) else {
        return;
    };
    let at = format!("{}/settings", module.pointer);
    if let Some(image) = settings.get("image").and_then(Value::as_str)
        && !is_variable(image)
        && scan(image).next().is_none()
        && let Err(refused) = check_image(image)
    {
        problems.push(problem(
            Level::Error,
            "image.reference",
            format!("{at}/image"),
            refused.to_string(),
            "name:tag or name@sha256:… with an optional registry before",
            "correct the reference",
        ));
    }
    for (key, value) in settings {
        if let Value::String(text) = value
            && text.len() > twin::STRING_BYTES_MAX
        {
            problems.push(problem(
                Level::Error,
                "twin.string",
                format!("{at}/{}", escape(key)),
                format!("{key} has {} bytes", text.len()),
                format!("a string of a twin has at most {} bytes", twin::STRING_BYTES_MAX),
                "split createOptions into createOptions, createOptions01 and so on",
            ));
        }
    }
    if let Some(variables) = module.value.get("env").and_then(Value::as_object) {
        for name in variables.keys().filter(|name| env::is_agents(name)) {
            problems.push(problem(
                Level::Warning,
                "env.reserved",
                format!("{}/env/{}", module.pointer, escape(name)),
                format!("{name} is set by the edge agent"),
                "names that do not begin with IOTEDGE_",
                "remove it",
            ));
        }
    }
    match options_of(settings) {
        Err(what) => problems.push(problem(
            Level::Error,
            "create-options.json",
            format!("{at}/createOptions"),
            what,
            "a JSON object as text, in one piece or in numbered pieces without a gap",
            "correct createOptions",
        )),
        Ok(None) => {}
        Ok(Some(options)) => check_options(&options, module, &at, document, ports, problems),
    }
}

fn check_options(
    options: &CreateOptions,
    module: &Part<'_>,
    at: &str,
    document: &Document,
    ports: &mut Vec<(String, HostPort)>,
    problems: &mut Vec<Problem>,
) {
    let pointer = format!("{at}/createOptions");
    let is_text = document
        .value()
        .pointer(&pointer)
        .is_none_or(|value| !value.is_object());
    let whole = Value::Object(options.members().clone());
    for remark in lint(options) {
        let leaf = whole.pointer(&remark.pointer).and_then(Value::as_str);
        let open = leaf.is_some_and(|text| is_variable(text) || scan(text).next().is_some());
        // The edge hub's ports are its own.
        if open || (module.name == "edgeHub" && remark.what.contains("usually the edge hub's")) {
            continue;
        }
        let (pointer, inside) = if is_text {
            (pointer.clone(), format!(" (at {} inside)", remark.pointer))
        } else {
            (format!("{pointer}{}", remark.pointer), String::new())
        };
        // The agent starts a module whose createOptions set IOTEDGE_ variables; it only wins against them.
        let level = if remark.what.contains("set by the edge agent") {
            Level::Warning
        } else {
            remark.level
        };
        problems.push(problem(
            level,
            "create-options.lint",
            pointer,
            format!("{}{inside}", remark.what),
            "what starts as its author means it",
            remark.fix,
        ));
    }
    let (own, _) = options.host_ports();
    ports.extend(own.into_iter().map(|port| {
        let place = if is_text { pointer.clone() } else { format!("{pointer}{}", port.pointer) };
        (module.name.clone(), HostPort { pointer: place, ..port })
    }));
}

fn check_ports(ports: &[(String, HostPort)], problems: &mut Vec<Problem>) {
    for (index, (module, port)) in ports.iter().enumerate() {
        let taken = ports[..index]
            .iter()
            .find(|(other, taken)| other != module && taken.collides(port));
        if let Some((other, _)) = taken {
            problems.push(problem(
                Level::Error,
                "ports.collision",
                port.pointer.clone(),
                format!("{module} and {other} both take host port {}/{}", port.port, port.protocol),
                "one module for each port of the host",
                "give one of them another HostPort",
            ));
        }
    }
}

fn check_route(
    route: &Part<'_>,
    document: &Document,
    view: &View<'_>,
    problems: &mut Vec<Problem>,
) {
    let (text, pointer) = match route.value {
        Value::String(text) => (text.as_str(), route.pointer.clone()),
        other => match other.get("route").and_then(Value::as_str) {
            Some(text) => (text, format!("{}/route", route.pointer)),
            None => return,
        },
    };
    let variable = document.has_variables() && is_variable(text) && !text.contains("$upstream");
    if variable || scan(text).next().is_some() {
        return;
    }
    let parsed = match Route::parse(text) {
        Ok(parsed) => parsed,
        Err(refused) => {
            problems.push(problem(
                Level::Error,
                "route.grammar",
                pointer,
                format!("at byte {} of the route stands {}", refused.position, refused.found),
                refused.expected,
                "correct the route; edgeHub refuses its whole configuration over one that does not parse",
            ));
            return;
        }
    };
    let old_hub = view.schema_version(HUB).and_then(Value::as_str) == Some("1.0");
    for remark in parsed.semantic() {
        // Version 1.0 skips blank routes, later ones refuse them.
        let level = match remark.kind {
            SemanticKind::Blank if old_hub => Level::Warning,
            _ => remark.level,
        };
        let expected = "a route that edgeHub loads and that messages match";
        let what = format!("byte {}: {}", remark.position, remark.what);
        problems.push(problem(level, "route.meaning", pointer.clone(), what, expected, remark.fix));
    }
    // A layer names modules of layers below, which are not in this document.
    if document.kind() == Kind::Layered {
        return;
    }
    let sink = match parsed.sink() {
        Sink::Input { module, .. } => Some(module),
        _ => None,
    };
    for named in parsed.source_module().into_iter().chain(sink) {
        if !view.modules.iter().any(|module| module.name.eq_ignore_ascii_case(&named)) {
            problems.push(problem(
                Level::Warning,
                "route.module",
                pointer.clone(),
                format!("the module {named} is not in this deployment"),
                "modules of this deployment, or leaf devices",
                "correct the name, or add the module",
            ));
        }
    }
}

fn check_twins(document: &Document, view: &View<'_>, problems: &mut Vec<Problem>) {
    for section in &view.twins {
        let layered = document.kind() == Kind::Layered;
        let known = view.modules.iter().any(|module| module.name == section.name);
        if !known && !layered {
            problems.push(problem(
                Level::Warning,
                "twin.module",
                section.pointer.clone(),
                format!("{} has a twin here and is not among the modules", section.name),
                "sections of modules of this deployment",
                "correct the name; a twin section alone starts no module",
            ));
        }
        for (key, value) in section.value.as_object().into_iter().flatten() {
            let at = format!("{}/{}", section.pointer, escape(key));
            let owned;
            let desired = if key == DESIRED {
                match value.as_object() {
                    Some(members) => members,
                    None => continue,
                }
            } else if let Some(path) = path_of(key) {
                owned = std::iter::once((path.replace('.', "_"), value.clone())).collect();
                &owned
            } else {
                continue;
            };
            for limit in twin::check_section(desired) {
                // Inside a layered path the key is the path itself.
                let inner = match path_of(key) {
                    Some(_) => limit.pointer[1..].find('/').map_or("", |end| &limit.pointer[1 + end..]),
                    None => &limit.pointer,
                };
                // Real modules have arrays in their twins and run; the hub's documents have changed their mind
                // about them more than once. A null is legal and does something else than its author may think.
                let level = match limit.kind {
                    TwinProblemKind::Array | TwinProblemKind::Null => Level::Warning,
                    _ => Level::Error,
                };
                problems.push(problem(
                    level,
                    "twin.value",
                    format!("{at}{inner}"),
                    limit.found,
                    limit.limit,
                    limit.fix,
                ));
            }
        }
    }
}

fn check_sizes(view: &View<'_>, problems: &mut Vec<Problem>) {
    if view.modules.len() > MODULES_MAX {
        problems.push(problem(
            Level::Error,
            "modules.count",
            format!("{}/{AGENT}", view.content_pointer),
            format!("{} modules", view.modules.len()),
            format!("at most {MODULES_MAX} modules on a device"),
            "remove modules, or spread them over devices",
        ));
    }
    for (name, section) in view.content.into_iter().flatten() {
        let size = section_bytes(section);
        if size > twin::DESIRED_BYTES_MAX {
            problems.push(problem(
                Level::Error,
                "twin.size",
                format!("{}/{}", view.content_pointer, escape(name)),
                format!("the desired properties of {name} have {size} bytes"),
                format!("at most {} bytes", twin::DESIRED_BYTES_MAX),
                "shorten createOptions, env and names, or use fewer modules",
            ));
        }
    }
}

/// Bytes of a section's desired properties, however its paths are written.
pub(super) fn section_bytes(section: &Value) -> usize {
    section
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let path: usize = path_of(key)
                .map_or(0, |path| path.split('.').map(str::len).sum());
            path + twin::size_bytes(value)
        })
        .sum()
}

fn check_placeholders(document: &Value, problems: &mut Vec<Problem>) {
    each_leaf(document, "", &mut |pointer, text| {
        for (_, name) in scan(text) {
            problems.push(problem(
                Level::Error,
                "placeholder.unfilled",
                pointer,
                format!("the placeholder <{name}> is not filled"),
                "a value of your own",
                format!("replace <{name}>"),
            ));
        }
    });
}
