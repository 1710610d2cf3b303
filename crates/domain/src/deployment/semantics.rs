//! What shapes cannot tell: images, createOptions, host ports, routes, twins, sizes, counts, placeholders.
//!
//! Where a template leaves something to a `${VARIABLE}` nothing is said about it.

mod modules;

use std::collections::BTreeMap;

use serde_json::Value;

use super::MODULES_MAX;
use super::document::{Document, Kind, is_variable};
use super::validate::Problem;
use super::view::{AGENT, DESIRED, HUB, Part, View, path_of};
use crate::create_options::{HostPort, escape};
use crate::placeholder::{each_leaf, scan};
use crate::route::{Route, SemanticKind, Sink};
use crate::twin::{self, TwinProblemKind};
use crate::violation::Level;
use modules::check_module;

pub(super) use modules::options_of;

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
    check_placeholders(document.value(), view, &mut problems);
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

fn check_ports(ports: &[(String, HostPort)], problems: &mut Vec<Problem>) {
    let mut taken: BTreeMap<u16, Vec<(&str, &HostPort)>> = BTreeMap::new();
    for (module, port) in ports {
        let same = taken.entry(port.port).or_default();
        let clash = same
            .iter()
            .find(|(other, taken)| other != module && taken.collides(port));
        if let Some((other, _)) = clash {
            problems.push(problem(
                Level::Error,
                "ports.collision",
                port.pointer.clone(),
                format!(
                    "{module} and {other} both take host port {}/{}",
                    port.port, port.protocol
                ),
                "one module for each port of the host",
                "give one of them another HostPort",
            ));
        }
        same.push((module, port));
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
        problems.push(problem(
            level,
            "route.meaning",
            pointer.clone(),
            what,
            expected,
            remark.fix,
        ));
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
        if !view
            .modules
            .iter()
            .any(|module| module.name.eq_ignore_ascii_case(&named))
        {
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
        let known = view
            .modules
            .iter()
            .any(|module| module.name == section.name);
        if !known && !layered {
            problems.push(problem(
                Level::Warning,
                "twin.module",
                section.pointer.clone(),
                format!(
                    "{} has a twin here and is not among the modules",
                    section.name
                ),
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
                    Some(_) => limit.pointer[1..]
                        .find('/')
                        .map_or("", |end| &limit.pointer[1 + end..]),
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
            let path: usize = path_of(key).map_or(0, |path| path.split('.').map(str::len).sum());
            path + twin::size_bytes(value)
        })
        .sum()
}

/// A placeholder left over. Nothing refuses most of them, and published examples keep them on purpose, so they are
/// warnings as a schema's silence has it; a route or an image with one is refused on the device.
fn check_placeholders(document: &Value, view: &View<'_>, problems: &mut Vec<Problem>) {
    let hub = format!("{}/{HUB}/", view.content_pointer);
    each_leaf(document, "", &mut |pointer, text| {
        let refused = pointer.ends_with("/settings/image")
            || (pointer.starts_with(&hub) && pointer.contains("routes"));
        for (_, name) in scan(text) {
            problems.push(problem(
                if refused {
                    Level::Error
                } else {
                    Level::Warning
                },
                "placeholder.unfilled",
                pointer,
                format!("the placeholder <{name}> is not filled"),
                "a value of your own",
                format!("replace <{name}>"),
            ));
        }
    });
}
