//! The rules on a plan's default configuration: the hub's limits refuse, the historic form's limits warn
//! (domain fact sheet §4.3, edge-runtime fact sheet §4.3).
//!
//! A placeholder counts as any word that fits its place. Left out: whether the module may have the privileges its
//! createOptions ask for, which certification decides.

use std::collections::BTreeSet;

use super::{Defaults, NamedText};
use crate::create_options::{CreateOptions, lint};
use crate::placeholder::{scan, with_stand_ins};
use crate::route::{Route, SemanticKind, Sink, is_segment};
use crate::violation::{Level, Violation};
use crate::{env, twin};

/// Entries of each kind that the historic form had room for.
pub const ENTRIES_CLASSIC: usize = 5;
/// Bytes of a name or value that the historic form had room for.
pub const TEXT_BYTES_CLASSIC: usize = 511;
/// Characters of a default module name.
pub const MODULE_NAME_CHARS_MAX: usize = 64;

/// Checks a default configuration; every violation at once.
pub fn check_defaults(defaults: &Defaults) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_module_name(&defaults.module_name, &mut violations);
    check_counts(defaults, &mut violations);
    for route in &defaults.routes {
        check_route(route, &defaults.module_name, &mut violations);
    }
    for property in &defaults.twin {
        violations.extend(twin::check_property(&property.name, &property.value));
        check_lengths(
            "twin",
            &property.name,
            &property.value.to_string(),
            &mut violations,
        );
    }
    let size = defaults
        .twin
        .iter()
        .map(|property| property.name.len() + twin::size_bytes(&property.value))
        .sum::<usize>();
    if size > twin::DESIRED_BYTES_MAX {
        violations.push(Violation::error(
            "twin",
            format!(
                "desired properties have at most {} bytes in all",
                twin::DESIRED_BYTES_MAX
            ),
            format!("{size} bytes"),
            "shorten them",
        ));
    }
    for variable in &defaults.env {
        violations.extend(env::check_variable(variable));
        check_lengths("env", &variable.name, &variable.value, &mut violations);
    }
    check_create_options(defaults, &mut violations);
    check_placeholder_keys(defaults, &mut violations);
    violations
}

fn check_module_name(name: &str, violations: &mut Vec<Violation>) {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= MODULE_NAME_CHARS_MAX;
    let reserved = matches!(name, "edgeAgent" | "edgeHub");
    // Keywords such as `from` are legal module names that no route can say.
    if !plain || reserved || !is_segment(name) {
        violations.push(Violation::error(
            "module_name",
            format!(
                "a letter, then letters, digits or `_`, at most {MODULE_NAME_CHARS_MAX} characters; not edgeAgent, \
                 edgeHub or a word of the route language"
            ),
            format!("{name:?}"),
            "choose another default module name, such as SimulatedTemperatureSensor",
        ));
    }
}

fn check_counts(defaults: &Defaults, violations: &mut Vec<Violation>) {
    let routes: Vec<&str> = defaults.routes.iter().map(|r| r.name.as_str()).collect();
    let twin: Vec<&str> = defaults.twin.iter().map(|p| p.name.as_str()).collect();
    let env: Vec<&str> = defaults.env.iter().map(|v| v.name.as_str()).collect();
    for (field, names) in [("routes", routes), ("twin", twin), ("env", env)] {
        if names.len() > ENTRIES_CLASSIC {
            violations.push(Violation::warning(
                field,
                format!("the classic offer form has room for {ENTRIES_CLASSIC} entries"),
                format!("{} entries", names.len()),
                "drop what the module can default itself, if older tools must take it",
            ));
        }
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                violations.push(Violation::error(
                    format!("{field}.{name}"),
                    "each name is given once",
                    format!("{name:?} twice"),
                    "rename or remove one of them",
                ));
            }
        }
    }
}

fn check_lengths(kind: &str, name: &str, value: &str, violations: &mut Vec<Violation>) {
    for (what, text) in [("name", name), ("value", value)] {
        if text.len() > TEXT_BYTES_CLASSIC {
            violations.push(Violation::warning(
                format!("{kind}.{name}"),
                format!(
                    "the classic offer form takes a {what} of at most {TEXT_BYTES_CLASSIC} bytes"
                ),
                format!("{} bytes", text.len()),
                "shorten it if older tools must take it",
            ));
        }
    }
}

fn check_route(route: &NamedText, module_name: &str, violations: &mut Vec<Violation>) {
    let field = format!("routes.{}", route.name);
    check_lengths("routes", &route.name, &route.value, violations);
    if !twin::is_key(&route.name) {
        violations.push(Violation::error(
            &field,
            format!(
                "a route's name has 1 to {} bytes and no `.`, `$`, `#` or blank",
                twin::KEY_BYTES_MAX
            ),
            format!("{:?}", route.name),
            "rename the route, for instance with `_`",
        ));
    }
    if route.value.contains('\n') {
        violations.push(Violation::error(
            &field,
            "a route is one line, by the manifest's schema",
            "a line end",
            "write it on one line",
        ));
    }
    let parsed = match Route::parse(&with_stand_ins(&route.value)) {
        Ok(parsed) => parsed,
        Err(problem) => {
            violations.push(Violation::error(
                &field,
                format!("expected {} at byte {}", problem.expected, problem.position),
                problem.found,
                "write FROM /messages/modules/<module>/outputs/<output> INTO $upstream or BrokeredEndpoint(\"/modules/<module>/inputs/<input>\")",
            ));
            return;
        }
    };
    for problem in parsed.semantic() {
        // A default is ours to write well: text the device would silently drop is refused here.
        let level = match problem.kind {
            SemanticKind::TrailingText => Level::Error,
            _ => problem.level,
        };
        let limit = format!("byte {}: edgeHub's rules for routes", problem.position);
        violations.push(Violation::new(
            level,
            &field,
            limit,
            problem.what,
            problem.fix,
        ));
    }
    check_modules_named(&field, route, &parsed, module_name, violations);
}

/// The routes of a plan are about its own module; another one is the customer's to name.
fn check_modules_named(
    field: &str,
    route: &NamedText,
    parsed: &Route,
    module_name: &str,
    violations: &mut Vec<Violation>,
) {
    let sink_module = match parsed.sink() {
        Sink::Input { module, .. } => Some(module),
        _ => None,
    };
    let named: Vec<String> = parsed
        .source_module()
        .into_iter()
        .chain(sink_module)
        .collect();
    let own = |module: &String| module.eq_ignore_ascii_case(module_name);
    let holds_placeholder = scan(&route.value).next().is_some();
    if !named.iter().any(own) && !holds_placeholder {
        violations.push(Violation::warning(
            field,
            format!("a default route leads from or to the module itself, {module_name}"),
            route.value.clone(),
            "name the default module in the source or in the sink",
        ));
    }
    if let Some(other) = named.iter().find(|module| !own(module))
        && !holds_placeholder
    {
        violations.push(Violation::warning(
            field,
            "a module that the customer may not have is left open as <FROM_MODULE_NAME>",
            other.clone(),
            "replace its name by a placeholder",
        ));
    }
}

fn check_create_options(defaults: &Defaults, violations: &mut Vec<Violation>) {
    let field = "create_options";
    let text = defaults.create_options_text();
    if text.len() > TEXT_BYTES_CLASSIC {
        violations.push(Violation::warning(
            field,
            format!("the classic offer form takes at most {TEXT_BYTES_CLASSIC} bytes"),
            format!("{} bytes", text.len()),
            "shorten it if older tools must take it; manifests split it where needed",
        ));
    }
    match CreateOptions::parse(text) {
        Err(problem) => violations.push(Violation::error(
            field,
            "createOptions are a JSON object, the body of Docker's ContainerCreate",
            format!(
                "line {} column {}: {}\n{}",
                problem.line, problem.column, problem.what, problem.caret
            ),
            "correct the JSON at the caret",
        )),
        Ok(options) => {
            for remark in lint(&options) {
                // A host port left to the customer is no port yet.
                let leaf = serde_json::Value::Object(options.members().clone());
                let open = leaf
                    .pointer(&remark.pointer)
                    .and_then(serde_json::Value::as_str)
                    .is_some_and(|text| scan(text).next().is_some());
                if !open {
                    violations.push(Violation::new(
                        remark.level,
                        format!("{field}{}", remark.pointer),
                        "what starts as its author means it",
                        remark.what,
                        remark.fix,
                    ));
                }
            }
        }
    }
}

/// Placeholders are filled in values only; in a name one would stay for ever.
fn check_placeholder_keys(defaults: &Defaults, violations: &mut Vec<Violation>) {
    let mut note = |place: String, key: &str| {
        if let Some((_, name)) = scan(key).next() {
            violations.push(Violation::error(
                place,
                "placeholders stand in values, not in names",
                format!("<{name}> in a name"),
                "put the placeholder into the value",
            ));
        }
    };
    for route in &defaults.routes {
        note(format!("routes.{}", route.name), &route.name);
    }
    for variable in &defaults.env {
        note(format!("env.{}", variable.name), &variable.name);
    }
    for property in &defaults.twin {
        note(format!("twin.{}", property.name), &property.name);
        each_key(
            &property.value,
            &format!("twin.{}", property.name),
            &mut note,
        );
    }
    if let Ok(options) = CreateOptions::parse(defaults.create_options_text()) {
        let options = serde_json::Value::Object(options.members().clone());
        each_key(&options, "create_options", &mut note);
    }
}

fn each_key(value: &serde_json::Value, place: &str, note: &mut impl FnMut(String, &str)) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, item) in members {
                note(format!("{place}/{key}"), key);
                each_key(item, &format!("{place}/{key}"), note);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_key(item, &format!("{place}/{index}"), note);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
