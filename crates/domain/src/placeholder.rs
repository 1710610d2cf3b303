//! Placeholders such as `<MY_SERVER_IP_ADDRESS>`: what a publisher leaves for the customer to say.
//!
//! They are looked for and filled inside *parsed string leaves* only, never in JSON text, so a value with quotes,
//! braces or newlines stays one string; filling is one pass, so a value that looks like a placeholder is not
//! filled again. In a route, where there are no leaves, a value outside a quoted literal must be a legal piece of
//! a path segment. Left out: the rules on the result ([`crate::defaults::check_defaults`] is run on it again).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::defaults::Defaults;

/// One placeholder of a default configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    /// Its name, without the angle brackets.
    pub name: String,
    /// Where it stands: `env.SERVER`, `routes.ToCloud`, `twin.Server/port`, `create_options/HostConfig/Binds/0`.
    pub places: Vec<String>,
    /// Why the value given does not fit; absent when no value was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Every placeholder, in the order of first appearance: routes, twin, env, createOptions.
///
/// createOptions that are not JSON hold none; that they are not JSON is [`crate::defaults::check_defaults`]' to say.
pub fn find(defaults: &Defaults) -> Vec<Placeholder> {
    let mut found: Vec<Placeholder> = Vec::new();
    let mut note = |place: &str, text: &str| {
        for (_, name) in scan(text) {
            match found.iter_mut().find(|known| known.name == name) {
                Some(known) if known.places.iter().any(|at| at == place) => {}
                Some(known) => known.places.push(place.to_owned()),
                None => found.push(Placeholder {
                    name: name.to_owned(),
                    places: vec![place.to_owned()],
                    refused: None,
                }),
            }
        }
    };
    for route in &defaults.routes {
        note(&format!("routes.{}", route.name), &route.value);
    }
    for property in &defaults.twin {
        each_leaf(
            &property.value,
            &format!("twin.{}", property.name),
            &mut note,
        );
    }
    for variable in &defaults.env {
        note(&format!("env.{}", variable.name), &variable.value);
    }
    if let Ok(options) = serde_json::from_str::<Value>(defaults.create_options_text()) {
        each_leaf(&options, "create_options", &mut note);
    }
    found
}

/// Fills every placeholder from `values` (by name, without brackets).
///
/// # Errors
/// The placeholders that stay unfilled, because no value or only blanks were given, or because a value does not
/// fit the route it would stand in (then [`Placeholder::refused`] says why). Nothing is filled by halves.
pub fn fill(
    defaults: &Defaults,
    values: &BTreeMap<String, String>,
) -> Result<Defaults, Vec<Placeholder>> {
    let unfilled: Vec<Placeholder> = find(defaults)
        .into_iter()
        .filter_map(|placeholder| unfit(defaults, placeholder, values))
        .collect();
    if !unfilled.is_empty() {
        return Err(unfilled);
    }
    let mut filled = defaults.clone();
    for route in &mut filled.routes {
        route.value = substitute(&route.value, values);
    }
    for property in &mut filled.twin {
        fill_leaves(&mut property.value, values);
    }
    for variable in &mut filled.env {
        variable.value = substitute(&variable.value, values);
    }
    // Without a placeholder the publisher's own text is kept, byte for byte.
    if let Ok(mut options) = serde_json::from_str::<Value>(&defaults.create_options)
        && fill_leaves(&mut options, values)
    {
        filled.create_options = options.to_string();
    }
    Ok(filled)
}

/// The placeholders of a text: byte offset of `<`, and the name.
pub fn scan(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = &text[start + 1..];
        // Reading stops at the first character that cannot belong to a name, so a text of `<` alone costs no more
        // than any other.
        let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = &rest[..rest.find(|c| !legal(c))?];
        let lead = name.starts_with(|c: char| c.is_ascii_uppercase());
        (lead && rest[name.len()..].starts_with('>')).then_some((start, name))
    })
}

/// The text with every placeholder replaced by a word that fits anywhere, for checks before filling.
pub(crate) fn with_stand_ins(text: &str) -> String {
    replace(text, |_| Some("placeholder"))
}

fn substitute(text: &str, values: &BTreeMap<String, String>) -> String {
    replace(text, |name| values.get(name).map(String::as_str))
}

/// One pass from left to right over the original text: what is put in is never looked at again.
fn replace<'v>(text: &str, value_of: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, name) in scan(text) {
        if let Some(value) = value_of(name) {
            out.push_str(&text[done..start]);
            out.push_str(value);
            done = start + name.len() + 2;
        }
    }
    out.push_str(&text[done..]);
    out
}

fn fill_leaves(value: &mut Value, values: &BTreeMap<String, String>) -> bool {
    match value {
        Value::String(text) => {
            let held = scan(text).next().is_some();
            if held {
                *text = substitute(text, values);
            }
            held
        }
        // `|`, not `||`: every leaf must be visited.
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| any | fill_leaves(item, values)),
        Value::Object(members) => members
            .values_mut()
            .fold(false, |any, item| any | fill_leaves(item, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Walks the string leaves of a value; `place` grows as a JSON pointer.
pub(crate) fn each_leaf(value: &Value, place: &str, note: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => note(place, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_leaf(item, &format!("{place}/{index}"), note);
            }
        }
        Value::Object(members) => {
            for (key, item) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                each_leaf(item, &format!("{place}/{key}"), note);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The placeholder again if it cannot be filled.
fn unfit(
    defaults: &Defaults,
    placeholder: Placeholder,
    values: &BTreeMap<String, String>,
) -> Option<Placeholder> {
    let Some(value) = values
        .get(&placeholder.name)
        .filter(|value| !value.trim().is_empty())
    else {
        return Some(placeholder);
    };
    let in_routes = defaults.routes.iter().any(|route| {
        scan(&route.value).any(|(start, name)| {
            name == placeholder.name && !fits_route(&route.value[..start], value)
        })
    });
    in_routes.then(|| Placeholder {
        refused: Some(format!(
            "{value:?} would stand in a route, where it may not hold blanks, quotes or any of \
             ( ) < > @ , ; : \\ / [ ] ? = {{ }}"
        )),
        ..placeholder
    })
}

/// Inside a quoted literal of a route anything but quotes, backslashes and line ends is inert; outside, only the
/// characters of a path segment are (grammar: domain fact sheet §12.5).
fn fits_route(before: &str, value: &str) -> bool {
    let quoted = before
        .chars()
        .fold(None, |open: Option<char>, c| match open {
            None if c == '"' || c == '\'' => Some(c),
            Some(quote) if c == quote => None,
            other => other,
        });
    // A path of BrokeredEndpoint is itself a quoted literal, so `/` is refused there as well.
    let illegal = if quoted.is_some() {
        "\"'\\/"
    } else {
        "()<>@,;:\\\"'/[]?={}*"
    };
    !value
        .chars()
        .any(|c| illegal.contains(c) || c.is_control() || (quoted.is_none() && c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::{NamedJson, NamedText};
    use crate::route::Route;
    use proptest::prelude::*;
    use serde_json::json;

    fn sample() -> Defaults {
        Defaults {
            module_name: "Filter".into(),
            routes: vec![NamedText::new(
                "In",
                "FROM /messages/modules/<FROM_MODULE_NAME>/outputs/* INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")",
            )],
            twin: vec![NamedJson::new(
                "Server",
                json!({"a/b": ["tcp://<SERVER>:1", 2]}),
            )],
            env: vec![
                NamedText::new("SERVER", "<SERVER>/<SERVER>"),
                NamedText::new("TAG", "<b>not one</b> <Mixed> <1A> <>"),
            ],
            create_options: r#"{ "Labels": { "x": "<LABEL>" } }"#.into(),
        }
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn finds_each_name_once_with_all_its_places() {
        let found = find(&sample());
        let told: Vec<(&str, String)> = found
            .iter()
            .map(|p| (p.name.as_str(), p.places.join(" ")))
            .collect();
        assert_eq!(
            told,
            [
                ("FROM_MODULE_NAME", "routes.In".to_owned()),
                ("SERVER", "twin.Server/a~1b/0 env.SERVER".to_owned()),
                ("LABEL", "create_options/Labels/x".to_owned()),
            ]
        );
    }

    #[test]
    fn an_unfilled_or_blank_value_is_named_and_nothing_is_filled() {
        let given = values(&[("SERVER", "  "), ("LABEL", "x")]);
        let unfilled = fill(&sample(), &given).expect_err("two are missing");
        let names: Vec<&str> = unfilled.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["FROM_MODULE_NAME", "SERVER"]);
    }

    #[test]
    fn a_value_that_would_break_out_of_a_route_is_refused() {
        let given = values(&[
            ("SERVER", "s"),
            ("LABEL", "x"),
            ("FROM_MODULE_NAME", "a INTO $upstream"),
        ]);
        let refused = fill(&sample(), &given).expect_err("breaks the route");
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0]
                .refused
                .as_deref()
                .is_some_and(|why| why.contains("a INTO $upstream"))
        );
    }

    #[test]
    fn create_options_without_a_placeholder_keep_their_text() {
        let mut defaults = sample();
        defaults.create_options = "{ \"Memory\" :  1 }".into();
        let given = values(&[("SERVER", "s"), ("FROM_MODULE_NAME", "Sensor")]);
        let filled = fill(&defaults, &given).expect("all given");
        assert_eq!(filled.create_options, "{ \"Memory\" :  1 }");
    }

    proptest! {
        /// Whatever the customer types, createOptions keep their shape and the leaf holds exactly that value.
        #[test]
        fn a_hostile_value_stays_one_string(value in ".{0,40}", tail in r#"["'{}\[\]\\\n<>A-Z]{0,20}"#) {
            let value = format!("v{value}{tail}<OTHER>");
            let given = values(&[("SERVER", &value), ("LABEL", &value), ("FROM_MODULE_NAME", "Sensor"), ("OTHER", "no")]);
            let filled = fill(&sample(), &given).expect("all given");
            let options: Value = serde_json::from_str(&filled.create_options).expect("still JSON");
            prop_assert_eq!(options, json!({"Labels": {"x": value.clone()}}));
            prop_assert_eq!(&filled.env[0].value, &format!("{value}/{value}"));
            prop_assert_eq!(&filled.twin[0].value, &json!({"a/b": [format!("tcp://{value}:1"), 2]}));
            prop_assert_eq!(&filled.env[1].value, &sample().env[1].value);
        }

        /// What is accepted into a route leaves it the same route with that one segment.
        #[test]
        fn a_value_in_a_route_is_refused_or_is_one_segment(value in "[ -~\n]{1,20}") {
            let given = values(&[("SERVER", "s"), ("LABEL", "l"), ("FROM_MODULE_NAME", &value)]);
            match fill(&sample(), &given) {
                Err(refused) => prop_assert!(refused.iter().any(|p| p.name == "FROM_MODULE_NAME")),
                Ok(filled) => {
                    let start = format!("FROM /messages/modules/{value}/outputs/*");
                    prop_assert!(filled.routes[0].value.starts_with(&start));
                    let route = Route::parse(&filled.routes[0].value);
                    // Keywords and numbers are legal characters and no name: the lint of the result says so.
                    prop_assert_eq!(route.is_ok(), crate::route::is_segment(&value));
                }
            }
        }
    }
}
