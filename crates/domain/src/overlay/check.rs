//! What is wrong with a test overlay: plans and placeholders that do not exist, names that nothing can have, and sizes.

use std::collections::BTreeSet;

use super::{Call, Feed, PlanOverlay};
use crate::offer::{Offer, Plan};
use crate::placeholder;
use crate::violation::Violation;

/// Most messages to inputs of a plan, and most calls of methods.
pub const CALLS_MAX: usize = 50;
/// Most hosts of a plan.
pub const HOSTS_MAX: usize = 50;
/// Longest value of a placeholder, in characters.
pub const PLACEHOLDER_VALUE_CHARS_MAX: usize = 4_096;
/// Longest name of a method, in characters, as the hub takes it.
pub const METHOD_CHARS_MAX: usize = 100;
/// Largest body of a message and payload of a method, in bytes of JSON.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most application properties of a message.
pub const PROPERTIES_MAX: usize = 50;
/// Longest name of an input or output, in characters.
const PORT_CHARS_MAX: usize = 128;
/// Longest host, in bytes.
const HOST_BYTES_MAX: usize = 253;
/// Longest name and value of an application property, in characters.
const PROPERTY_CHARS_MAX: usize = 1_024;

/// Every violation of the overlay; fields are named as in `certify.yaml`, below `certify`.
pub fn check(offer: &Offer) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, overlay) in &offer.certify.plans {
        let field = format!("certify.plans.{name}");
        match offer.plans.iter().find(|plan| plan.plan == *name) {
            Some(plan) => {
                placeholders(plan, overlay, &field, &mut found);
                names(overlay, &field, &mut found);
                inputs(&overlay.inputs, &field, &mut found);
                methods(&overlay.methods, &field, &mut found);
            }
            None => found.push(Violation::error(
                field,
                "a plan of the offer",
                format!("no plan {name}"),
                "write the plan's name as in offer.yaml, or take it out of certify.yaml",
            )),
        }
    }
    found
}

fn placeholders(plan: &Plan, overlay: &PlanOverlay, field: &str, found: &mut Vec<Violation>) {
    let known = placeholder::find(&plan.defaults);
    for (name, value) in &overlay.placeholders {
        let field = format!("{field}.placeholders.{name}");
        let length = value.chars().count();
        if !known.iter().any(|placeholder| placeholder.name == *name) {
            found.push(Violation::error(
                field,
                "a placeholder of the plan's defaults, without its brackets",
                format!("<{name}> stands nowhere in them"),
                "correct the name, or take it out",
            ));
        } else if value.trim().is_empty() || length > PLACEHOLDER_VALUE_CHARS_MAX {
            found.push(Violation::error(
                field,
                format!("1 to {PLACEHOLDER_VALUE_CHARS_MAX} characters that are not blanks"),
                format!("{length} characters"),
                "give a value that the module can start with",
            ));
        }
    }
    let refused = placeholder::fill(&plan.defaults, &overlay.placeholders)
        .err()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one.name, one.refused?)));
    for (name, why) in refused {
        found.push(Violation::error(
            format!("{field}.placeholders.{name}"),
            "a value that fits the route it stands in",
            why,
            "use letters, digits, `-` and `_`",
        ));
    }
}

/// Outputs and hosts.
fn names(overlay: &PlanOverlay, field: &str, found: &mut Vec<Violation>) {
    each_once(
        &overlay.outputs,
        &format!("{field}.outputs"),
        CALLS_MAX,
        PORT,
        found,
    );
    each_once(
        &overlay.hosts,
        &format!("{field}.hosts"),
        HOSTS_MAX,
        HOST,
        found,
    );
}

/// What a name has to be, and whether one is.
type Shape = (&'static str, fn(&str) -> bool);

const PORT: Shape = ("a name that routes can use", is_port);
const HOST: Shape = (
    "a host name or an address, without scheme, port and path",
    is_host,
);

fn each_once(names: &[String], field: &str, most: usize, shape: Shape, found: &mut Vec<Violation>) {
    too_many(names.len(), most, field, found);
    let (limit, fits) = shape;
    let mut seen = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        if !fits(name) {
            found.push(wrong(format!("{field}[{index}]"), limit, name));
        } else if !seen.insert(name) {
            found.push(Violation::error(
                format!("{field}[{index}]"),
                "each name once",
                shown(name),
                "take the repetition out",
            ));
        }
    }
}

fn inputs(feeds: &[Feed], field: &str, found: &mut Vec<Violation>) {
    too_many(feeds.len(), CALLS_MAX, &format!("{field}.inputs"), found);
    for (index, feed) in feeds.iter().enumerate() {
        let field = format!("{field}.inputs[{index}]");
        if !is_port(&feed.name) {
            found.push(wrong(format!("{field}.name"), PORT.0, &feed.name));
        }
        if let Some(body) = &feed.body {
            too_large(
                body.to_string().len(),
                BODY_BYTES_MAX,
                &format!("{field}.body"),
                found,
            );
        }
        let fits = |text: &str| text.chars().count() <= PROPERTY_CHARS_MAX;
        let fit = |(name, value): (&String, &String)| {
            !name.is_empty() && !name.starts_with('$') && fits(name) && fits(value)
        };
        if feed.properties.len() > PROPERTIES_MAX || !feed.properties.iter().all(fit) {
            found.push(Violation::error(
                format!("{field}.properties"),
                format!(
                    "at most {PROPERTIES_MAX}, names and values of at most {PROPERTY_CHARS_MAX} characters, no name \
                     empty or beginning with $"
                ),
                format!("{} properties", feed.properties.len()),
                "take out what does not fit",
            ));
        }
    }
}

fn methods(calls: &[Call], field: &str, found: &mut Vec<Violation>) {
    too_many(calls.len(), CALLS_MAX, &format!("{field}.methods"), found);
    for (index, call) in calls.iter().enumerate() {
        let field = format!("{field}.methods[{index}]");
        if !is_method(&call.name) {
            let limit = "1 to 100 characters without blanks and none of / + # ? %";
            found.push(wrong(format!("{field}.name"), limit, &call.name));
        }
        too_large(
            call.payload.to_string().len(),
            BODY_BYTES_MAX,
            &format!("{field}.payload"),
            found,
        );
    }
}

fn too_many(count: usize, most: usize, field: &str, found: &mut Vec<Violation>) {
    if count > most {
        found.push(Violation::error(
            field,
            format!("at most {most}"),
            format!("{count} entries"),
            "keep those that show most of the module",
        ));
    }
}

fn too_large(bytes: usize, most: usize, field: &str, found: &mut Vec<Violation>) {
    if bytes > most {
        found.push(Violation::error(
            field,
            format!("at most {most} bytes of JSON"),
            format!("{bytes} bytes"),
            "give a smaller example",
        ));
    }
}

fn wrong(field: String, limit: &str, name: &str) -> Violation {
    Violation::error(field, limit, shown(name), "correct the name")
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

/// What a route cannot name cannot be fed or judged (domain facts §12.5).
fn is_port(name: &str) -> bool {
    (1..=PORT_CHARS_MAX).contains(&name.chars().count())
        && !name.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "()<>@,;:\\\"/[]?={}*+#".contains(c)
        })
}

fn is_method(name: &str) -> bool {
    (1..=METHOD_CHARS_MAX).contains(&name.chars().count())
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "/+#?%".contains(c))
}

fn is_host(name: &str) -> bool {
    let address = name.parse::<std::net::IpAddr>().is_ok();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    address || (name.len() <= HOST_BYTES_MAX && name.split('.').all(label))
}
