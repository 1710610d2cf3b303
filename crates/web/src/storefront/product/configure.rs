//! The Configure tab: the plan's defaults, a form for what the customer has to say, and the manifest that follows.
//! A placeholder left open keeps the manifest back and is named at its field; the page itself is fine.

use std::collections::BTreeMap;

use app::App;
use app::deploy::{self, Choice as Wanted, Form, NoManifest};
use app::error::Refused;
use domain::defaults::NamedText;
use domain::placeholder::Placeholder;
use domain::violation::Violation;

use super::Chosen;
use crate::messages::{t, t1};
use crate::params::{Params, address};
use crate::pieces::{Choice, FieldError};
use crate::problem::Problem;
use crate::storefront::card::path;

/// The tab.
pub(super) struct Configure {
    pub(super) plan: String,
    pub(super) version: String,
    pub(super) module_name: String,
    pub(super) module_error: String,
    pub(super) forms: Vec<Choice>,
    pub(super) placeholders: Vec<Field>,
    pub(super) errors: Vec<FieldError>,
    pub(super) blocked: String,
    pub(super) manifest: String,
    pub(super) download: String,
    pub(super) routes: Vec<NamedText>,
    pub(super) env: Vec<NamedText>,
    pub(super) twin: String,
    pub(super) create_options: String,
    /// What was chosen, for the form that makes a preview's manifest.
    pub(super) chosen: Vec<(String, String)>,
}

/// One placeholder.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) help: String,
    pub(super) error: String,
}

/// What the customer chose, out of an address.
pub(crate) fn wanted(params: &Params) -> Wanted {
    let some = |name: &str| {
        Some(params.get(name))
            .filter(|v| !v.is_empty())
            .map(ToOwned::to_owned)
    };
    let values: BTreeMap<String, String> = params
        .starting("set.")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Wanted {
        version: some("version"),
        module_name: some("module"),
        values,
    }
}

/// Builds the tab; only our own trouble is a problem here.
pub(super) fn of(app: &App, chosen: &Chosen<'_>, params: &Params) -> Result<Configure, Problem> {
    let wanted = wanted(params);
    let form = Form::from_word(params.get("form")).unwrap_or_default();
    let asked = params.has("form") || !wanted.values.is_empty();
    let defaults = &chosen.release.defaults;
    let found = domain::placeholder::find(defaults);
    let built = deploy::manifest(app, chosen.module, chosen.plan.plan.as_str(), form, &wanted);
    let mut errors = Vec::new();
    let mut blocked = String::new();
    let mut open: Vec<Placeholder> = Vec::new();
    let mut module_error = String::new();
    let manifest = match built {
        Ok(value) => pretty(&value),
        Err(NoManifest::Unfilled(unfilled)) => {
            let names: Vec<&str> = unfilled.iter().map(|p| p.name.as_str()).collect();
            blocked = t1("configure.unfilled", names.join(", "));
            open = unfilled;
            String::new()
        }
        Err(NoManifest::Refused(Refused::Invalid(violations))) => {
            module_error = told(
                violations
                    .iter()
                    .filter(|v| v.field.contains("module_name")),
            );
            blocked = told(violations.iter());
            String::new()
        }
        Err(NoManifest::Refused(other)) => return Err(other.into()),
    };
    let field = |placeholder: &Placeholder| {
        let missing = open.iter().find(|p| p.name == placeholder.name);
        let value = wanted
            .values
            .get(&placeholder.name)
            .cloned()
            .unwrap_or_default();
        field(placeholder, missing, value, asked)
    };
    let placeholders: Vec<Field> = found.iter().map(field).collect();
    for field in placeholders.iter().filter(|field| !field.error.is_empty()) {
        errors.push(FieldError {
            field: format!("set.{}", field.name),
            message: format!("{}: {}", field.label, field.error),
        });
    }
    Ok(Configure {
        chosen: kept(chosen, params, &wanted),
        plan: chosen.plan.plan.to_string(),
        version: chosen.version_field(),
        module_name: wanted
            .module_name
            .clone()
            .unwrap_or_else(|| defaults.module_name.clone()),
        module_error,
        forms: forms(form),
        placeholders,
        errors,
        blocked,
        download: if manifest.is_empty() {
            String::new()
        } else {
            download(chosen, form, &wanted)
        },
        manifest,
        routes: defaults.routes.clone(),
        env: defaults.env.clone(),
        twin: twin(chosen),
        create_options: options(defaults.create_options_text()),
    })
}

/// What was chosen, as the fields of a form.
fn kept(chosen: &Chosen<'_>, params: &Params, wanted: &Wanted) -> Vec<(String, String)> {
    let mut kept = vec![
        ("plan".to_owned(), chosen.plan.plan.to_string()),
        ("form".to_owned(), params.get("form").to_owned()),
        ("module".to_owned(), params.get("module").to_owned()),
    ];
    let values = wanted.values.iter();
    kept.extend(values.map(|(name, value)| (format!("set.{name}"), value.clone())));
    kept
}

fn told<'a>(violations: impl Iterator<Item = &'a Violation>) -> String {
    let lines: Vec<String> = violations.map(ToString::to_string).collect();
    lines.join(" ")
}

fn field(
    placeholder: &Placeholder,
    missing: Option<&Placeholder>,
    value: String,
    asked: bool,
) -> Field {
    let error = match missing {
        Some(Placeholder {
            refused: Some(why), ..
        }) => why.clone(),
        Some(_) if asked => t("configure.fill_in").to_owned(),
        _ => String::new(),
    };
    Field {
        name: placeholder.name.clone(),
        label: readable(&placeholder.name),
        help: crate::messages::t2(
            "configure.replaces",
            &placeholder.name,
            placeholder.places.join(", "),
        ),
        value,
        error,
    }
}

/// `MY_SERVER_IP_ADDRESS` as "My server IP address"; the name itself stands in the help.
fn readable(name: &str) -> String {
    const KEPT: [&str; 10] = [
        "IP", "URL", "URI", "ID", "API", "MQTT", "OPC", "HTTP", "TLS", "DNS",
    ];
    let lower = |word: &str| {
        if KEPT.contains(&word) {
            word.to_owned()
        } else {
            word.to_lowercase()
        }
    };
    let words: Vec<String> = name.split('_').map(lower).collect();
    let sentence = words.join(" ");
    let mut letters = sentence.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

fn forms(form: Form) -> Vec<Choice> {
    let choice = |value: &str, label: &str, detail: &str, selected: bool| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        detail: detail.to_owned(),
        selected,
    };
    vec![
        choice(
            "full",
            t("configure.full"),
            t("configure.full_detail"),
            form == Form::Full,
        ),
        choice(
            "layered",
            t("configure.layered"),
            t("configure.layered_detail"),
            form == Form::Layered,
        ),
    ]
}

fn download(chosen: &Chosen<'_>, form: Form, wanted: &Wanted) -> String {
    let version = chosen.release.version.to_string();
    let form = if form == Form::Layered {
        "layered"
    } else {
        "full"
    };
    let names: Vec<String> = wanted
        .values
        .keys()
        .map(|name| format!("set.{name}"))
        .collect();
    let mut fields = vec![
        ("plan", chosen.plan.plan.as_str()),
        ("version", version.as_str()),
        ("form", form),
        ("module", wanted.module_name.as_deref().unwrap_or_default()),
    ];
    fields.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(wanted.values.values().map(String::as_str)),
    );
    address(&format!("{}/manifest", path(chosen.module)), fields)
}

fn twin(chosen: &Chosen<'_>) -> String {
    let twin = &chosen.release.defaults.twin;
    if twin.is_empty() {
        return String::new();
    }
    let members = twin
        .iter()
        .map(|property| (property.name.clone(), property.value.clone()));
    pretty(&serde_json::Value::Object(members.collect()))
}

fn options(text: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    parsed.map_or_else(|_| text.to_owned(), |value| pretty(&value))
}

/// JSON for readers.
pub(crate) fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn placeholders_read_like_words() {
        assert_eq!(readable("MY_SERVER_IP_ADDRESS"), "My server IP address");
        assert_eq!(readable("TOKEN"), "Token");
    }
}
