//! Plans: texts, price, image source, declared platforms, defaults (domain facts §3, §4).

use std::collections::BTreeSet;

use oci::{Platform, RepositoryName};

use super::listing::description;
use super::text::{required, shown, within};
use crate::defaults::check_defaults;
use crate::offer::{ImageSource, Offer, Plan, Price};
use crate::tag::{ModuleTag, newest};
use crate::violation::Violation;

/// Most plans of an offer.
pub const PLANS_MAX: usize = 100;
/// Longest plan title, in characters.
pub const PLAN_TITLE_CHARS_MAX: usize = 50;
/// Longest plan summary, in characters.
pub const PLAN_SUMMARY_CHARS_MAX: usize = 100;
/// Longest plan description, in characters of its HTML as written.
pub const PLAN_DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Longest licence instructions and restrictions, in characters.
pub const PRICE_TEXT_CHARS_MAX: usize = 2_000;
/// Longest release notes, in characters.
pub const RELEASE_NOTES_CHARS_MAX: usize = 5_000;
/// Most tags of a plan.
pub const TAGS_MAX: usize = 200;
/// Most inputs, and most outputs, that a plan names.
pub const PORTS_MAX: usize = 50;
/// Longest name of an input or output, in characters.
const PORT_CHARS_MAX: usize = 128;
/// Most declared platforms.
const PLATFORMS_MAX: usize = 20;
/// Longest host of an image source with its port, in bytes.
const HOST_BYTES_MAX: usize = 255;

pub(super) fn check(offer: &Offer, found: &mut Vec<Violation>) {
    let plans = &offer.plans;
    if plans.is_empty() || plans.len() > PLANS_MAX {
        found.push(Violation::error(
            "plans",
            format!("1 to {PLANS_MAX}"),
            format!("{} plans", plans.len()),
            if plans.is_empty() {
                "add a plan"
            } else {
                "take plans out"
            },
        ));
    }
    if !plans.is_empty() && plans.iter().all(|plan| plan.hidden) {
        found.push(Violation::error(
            "plans",
            "at least one that is not hidden",
            format!("{} hidden", plans.len()),
            "show one plan",
        ));
    }
    let mut names = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for plan in plans {
        let field = format!("plans.{}", plan.plan);
        if !names.insert(&plan.plan) {
            found.push(Violation::error(
                format!("{field}.plan"),
                "unique within the offer",
                format!("two plans named {}", plan.plan),
                "give one of them another name",
            ));
        }
        let title = plan.title.trim().to_lowercase();
        if !title.is_empty() && !titles.insert(title) {
            found.push(Violation::error(
                format!("{field}.title"),
                "unique within the offer",
                shown(&plan.title),
                "give each plan a title of its own",
            ));
        }
        check_plan(offer, plan, &field, found);
    }
}

fn check_plan(offer: &Offer, plan: &Plan, field: &str, found: &mut Vec<Violation>) {
    required(
        &format!("{field}.title"),
        &plan.title,
        PLAN_TITLE_CHARS_MAX,
        found,
    );
    required(
        &format!("{field}.summary"),
        &plan.summary,
        PLAN_SUMMARY_CHARS_MAX,
        found,
    );
    description(
        &format!("{field}.description"),
        &plan.description,
        PLAN_DESCRIPTION_CHARS_MAX,
        found,
    );
    match &plan.price {
        Price::Free => {}
        Price::Byol {
            licence_instructions,
        } => {
            let field = format!("{field}.price.licence_instructions");
            required(&field, licence_instructions, PRICE_TEXT_CHARS_MAX, found);
        }
        Price::Freemium { restrictions } => {
            let field = format!("{field}.price.restrictions");
            required(&field, restrictions, PRICE_TEXT_CHARS_MAX, found);
        }
    }
    image(offer, &plan.image, &format!("{field}.image"), found);
    platforms(&plan.platforms, &format!("{field}.platforms"), found);
    defaults(plan, &format!("{field}.defaults"), found);
    ports(&plan.inputs, &format!("{field}.inputs"), found);
    ports(&plan.outputs, &format!("{field}.outputs"), found);
    within(
        &format!("{field}.release_notes"),
        &plan.release_notes,
        RELEASE_NOTES_CHARS_MAX,
        found,
    );
}

fn image(offer: &Offer, image: &ImageSource, field: &str, found: &mut Vec<Violation>) {
    if !image.registry.is_empty() && !is_host(&image.registry) {
        found.push(Violation::error(
            format!("{field}.registry"),
            "a host with optional port, without scheme or path; empty for this marketplace's own incoming/…",
            shown(&image.registry),
            "write it like registry.contoso.example:5000",
        ));
    }
    repository(offer, image, field, found);
    tags(&image.tags, &format!("{field}.tags"), found);
}

fn repository(offer: &Offer, image: &ImageSource, field: &str, found: &mut Vec<Violation>) {
    let own = format!("incoming/{}/", offer.publisher);
    let fault = match image.repository.parse::<RepositoryName>() {
        Err(error) if !image.repository.is_empty() => error.to_string(),
        Err(_) => "write it like contoso/sensor".to_owned(),
        Ok(name) if image.registry.is_empty() && !name.as_str().starts_with(&own) => {
            format!("begin it with {own}, where you may push, or name your registry")
        }
        Ok(_) => return,
    };
    found.push(Violation::error(
        format!("{field}.repository"),
        "required: a repository name in lower case, without host, tag or digest",
        shown(&image.repository),
        fault,
    ));
}

/// `name`, `name.name`, an IPv4 address or a bracketed IPv6 one, each with an optional port.
fn is_host(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if text.len() > HOST_BYTES_MAX || !text.chars().all(legal) {
        return false;
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_ok = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    });
    let name_ok = host.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    let address_ok = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    port_ok && (name_ok || address_ok)
}

fn tags(tags: &[String], field: &str, found: &mut Vec<Violation>) {
    if tags.len() > TAGS_MAX {
        found.push(Violation::error(
            field,
            format!("at most {TAGS_MAX}"),
            format!("{} tags", tags.len()),
            "list the tags that customers use; what is published stays published",
        ));
    }
    let has_latest = tags.iter().any(|tag| tag == "latest");
    let has_version = newest(tags.iter().map(String::as_str)).is_some();
    if !has_latest || !has_version {
        found.push(Violation::error(
            field,
            "required: `latest` and at least one version X.Y.Z",
            shown(&tags.join(", ")),
            match (has_latest, has_version) {
                (true, _) => "add the version, such as 1.0.0",
                (false, true) => "add latest",
                (false, false) => "add latest and the version, such as 1.0.0",
            },
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if tag.parse::<ModuleTag>().is_err() {
            found.push(Violation::error(
                field,
                "latest, X.Y, X.Y.Z, X.Y-suffix or X.Y.Z-suffix, at most 128 characters",
                shown(tag),
                "tag the image again in this form",
            ));
        } else if !seen.insert(tag) {
            found.push(Violation::error(
                field,
                "each tag once",
                shown(tag),
                "take the repetition out",
            ));
        }
    }
}

fn platforms(platforms: &[String], field: &str, found: &mut Vec<Violation>) {
    if platforms.is_empty() || platforms.len() > PLATFORMS_MAX {
        found.push(Violation::error(
            field,
            format!("1 to {PLATFORMS_MAX}, such as linux/amd64"),
            format!("{} platforms", platforms.len()),
            "list the platforms the image is built for",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, text) in platforms.iter().enumerate() {
        let field = format!("{field}[{index}]");
        match text.parse::<Platform>() {
            Err(_) => found.push(Violation::error(
                field,
                "os/architecture or os/architecture/variant",
                shown(text),
                "write it like linux/arm/v7",
            )),
            Ok(platform) => {
                if !seen.insert(platform.normalized().to_string()) {
                    found.push(Violation::error(
                        field,
                        "each platform once",
                        shown(text),
                        "take the repetition out",
                    ));
                }
            }
        }
    }
}

fn defaults(plan: &Plan, field: &str, found: &mut Vec<Violation>) {
    let own = check_defaults(&plan.defaults).into_iter();
    found.extend(own.map(|violation| Violation {
        field: format!("{field}.{}", violation.field),
        ..violation
    }));
}

fn ports(names: &[String], field: &str, found: &mut Vec<Violation>) {
    if names.len() > PORTS_MAX {
        found.push(Violation::error(
            field,
            format!("at most {PORTS_MAX}"),
            format!("{} names", names.len()),
            "list only those that customers connect",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if !required(&field, name, PORT_CHARS_MAX, found) {
            continue;
        }
        // What a route cannot name cannot be connected (domain facts §12.5).
        if name.contains(|c: char| c.is_whitespace() || "()<>@,;:\\\"/[]?={}*".contains(c)) {
            found.push(Violation::error(
                field,
                "a name that routes can use: no blanks and none of ( ) < > @ , ; : \\ \" / [ ] ? = { } *",
                shown(name),
                "use letters, digits, `-` and `_`",
            ));
        } else if !seen.insert(name) {
            found.push(Violation::error(
                field,
                "each name once",
                shown(name),
                "take the repetition out",
            ));
        }
    }
}
