//! What shapes cannot tell of one module: its image, its variables, its createOptions and the ports they take.

use serde_json::{Map, Value};

use super::problem;
use crate::create_options::chunks::{is_piece, join};
use crate::create_options::{CreateOptions, HostPort, escape, lint};
use crate::deployment::document::{Document, is_variable};
use crate::deployment::image::check_image;
use crate::deployment::validate::Problem;
use crate::deployment::view::Part;
use crate::placeholder::scan;
use crate::violation::Level;
use crate::{env, twin};

/// createOptions of a module's settings: a lone object, as templates have it, or the joined pieces.
///
/// `Ok(None)` when there are none or a variable stands for them.
pub(in crate::deployment) fn options_of(
    settings: &Map<String, Value>,
) -> Result<Option<CreateOptions>, String> {
    if let Some(Value::Object(members)) = settings.get("createOptions")
        && settings.keys().filter(|key| is_piece(key)).count() == 1
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

pub(super) fn check_module(
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
    check_strings(settings, &at, problems);
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

/// Strings too long for the hub, and pieces of createOptions that are none.
fn check_strings(settings: &Map<String, Value>, at: &str, problems: &mut Vec<Problem>) {
    for (key, value) in settings {
        if let Value::String(text) = value
            && text.len() > twin::STRING_BYTES_MAX
        {
            problems.push(problem(
                Level::Error,
                "twin.string",
                format!("{at}/{}", escape(key)),
                format!("{key} has {} bytes", text.len()),
                format!(
                    "a string of a twin has at most {} bytes",
                    twin::STRING_BYTES_MAX
                ),
                "split createOptions into createOptions, createOptions01 and so on",
            ));
        }
    }
    let pieces = settings.iter().filter(|(key, _)| is_piece(key));
    let alone = pieces.clone().count() == 1;
    for (key, piece) in pieces {
        // A lone object is a template's way to write createOptions, and no piece.
        let as_template = alone && piece.is_object();
        if !(piece.is_string() || as_template) {
            problems.push(problem(
                Level::Error,
                "create-options.piece",
                format!("{at}/{}", escape(key)),
                format!("{key} is {}", crate::defaults::kind_of(piece)),
                "a string",
                "write the JSON of createOptions as a string",
            ));
        }
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
        let place = if is_text {
            pointer.clone()
        } else {
            format!("{pointer}{}", port.pointer)
        };
        (
            module.name.clone(),
            HostPort {
                pointer: place,
                ..port
            },
        )
    }));
}
