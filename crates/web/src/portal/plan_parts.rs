//! The three parts of a plan (details and price, image, configuration): their fields, and how what was sent goes back
//! into the plan.

use domain::complete as limits;
use domain::defaults::{NamedJson, NamedText};
use domain::matrix::Matrix;
use domain::offer::{Plan, Price};
use domain::violation::Violation;
use serde_json::Value;

use super::sections::{choice, words};
use crate::fields::{Field, read_pairs};
use crate::form::Form;
use crate::messages::{t, t1, word};

/// One part of a plan's editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Details,
    Image,
    Configuration,
}

impl Part {
    /// All parts, in the order of the tabs.
    pub(super) const ALL: [Self; 3] = [Self::Details, Self::Image, Self::Configuration];

    /// By its word in the address.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }

    /// Its word in the address.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::Image => "image",
            Self::Configuration => "configuration",
        }
    }

    /// One sentence on what belongs here.
    pub(super) fn lead(self) -> &'static str {
        match self {
            Self::Details => t("plan.details_lead"),
            Self::Image => t("plan.image_lead"),
            Self::Configuration => t("plan.configuration_lead"),
        }
    }

    /// Does a violation (its name within the plan) belong here?
    pub(super) fn holds(self, field: &str) -> bool {
        let configuration = ["defaults", "inputs", "outputs"]
            .iter()
            .any(|name| field.starts_with(name));
        let image = ["image", "platforms"]
            .iter()
            .any(|name| field.starts_with(name));
        match self {
            Self::Details => !configuration && !image,
            Self::Image => image,
            Self::Configuration => configuration,
        }
    }

    /// Its fields, filled from a plan.
    pub(super) fn fields(self, plan: &Plan, matrix: &Matrix) -> Vec<Field> {
        match self {
            Self::Details => details(plan),
            Self::Image => image(plan, matrix),
            Self::Configuration => configuration(plan),
        }
    }

    /// Puts what was sent into the plan; what has not the right shape is told and not put.
    pub(super) fn apply(self, plan: &mut Plan, form: &Form) -> Vec<Violation> {
        match self {
            Self::Details => {
                apply_details(plan, form);
                Vec::new()
            }
            Self::Image => {
                apply_image(plan, form);
                Vec::new()
            }
            Self::Configuration => apply_configuration(plan, form),
        }
    }
}

fn details(plan: &Plan) -> Vec<Field> {
    let models = ["free", "byol", "freemium"].map(|model| {
        choice(
            model,
            word("price_model", model),
            word("price_model_help", model),
            plan.price.model() == model,
        )
    });
    let (licence, restrictions) = match &plan.price {
        Price::Free => ("", ""),
        Price::Byol {
            licence_instructions,
        } => (licence_instructions.as_str(), ""),
        Price::Freemium { restrictions } => ("", restrictions.as_str()),
    };
    vec![
        Field::text("title", t("plan.title"), &plan.title)
            .max(limits::PLAN_TITLE_CHARS_MAX)
            .required(),
        Field::text("summary", t("plan.summary"), &plan.summary)
            .max(limits::PLAN_SUMMARY_CHARS_MAX)
            .required()
            .help(t("plan.summary_help")),
        Field::area("description", t("plan.description"), &plan.description, 6)
            .max(limits::PLAN_DESCRIPTION_CHARS_MAX)
            .required()
            .mono(),
        Field::choose("radio", "price.model", t("plan.price"), models.to_vec())
            .help(t("plan.price_help")),
        Field::area(
            "price.licence_instructions",
            t("plan.licence_instructions"),
            licence,
            3,
        )
        .max(limits::PRICE_TEXT_CHARS_MAX)
        .help(t("plan.licence_instructions_help")),
        Field::area(
            "price.restrictions",
            t("plan.restrictions"),
            restrictions,
            3,
        )
        .max(limits::PRICE_TEXT_CHARS_MAX)
        .help(t("plan.restrictions_help")),
        Field::area(
            "release_notes",
            t("plan.release_notes"),
            &plan.release_notes,
            4,
        )
        .max(limits::RELEASE_NOTES_CHARS_MAX)
        .help(t("plan.release_notes_help")),
        Field::check("hidden", t("plan.hidden"), plan.hidden).help(t("plan.hidden_help")),
    ]
}

fn apply_details(plan: &mut Plan, form: &Form) {
    plan.title = form.text("title");
    plan.summary = form.text("summary");
    plan.description = form.text("description");
    plan.price = match form.get("price.model") {
        "byol" => Price::Byol {
            licence_instructions: form.text("price.licence_instructions"),
        },
        "freemium" => Price::Freemium {
            restrictions: form.text("price.restrictions"),
        },
        _ => Price::Free,
    };
    plan.release_notes = form.text("release_notes");
    plan.hidden = form.ticked("hidden");
}

fn image(plan: &Plan, matrix: &Matrix) -> Vec<Field> {
    let mut platforms: Vec<_> = matrix
        .platforms
        .iter()
        .map(|row| {
            let name = row.platform.to_string();
            let demand = match row.demand {
                domain::matrix::Demand::Required => t1("plan.required", &row.examples),
                domain::matrix::Demand::Recommended => t1("plan.recommended", &row.examples),
            };
            let chosen = plan.platforms.contains(&name);
            choice(&name, name.clone(), demand, chosen)
        })
        .collect();
    let others = plan
        .platforms
        .iter()
        .filter(|name| !platforms.iter().any(|known| known.value == **name));
    let others: Vec<&str> = others.map(String::as_str).collect();
    let others = others.join(", ");
    platforms.shrink_to_fit();
    vec![
        Field::text("image.registry", t("plan.registry"), &plan.image.registry)
            .mono()
            .placeholder("registry.contoso.example")
            .help(t("plan.registry_help")),
        Field::text(
            "image.repository",
            t("plan.repository"),
            &plan.image.repository,
        )
        .mono()
        .required()
        .placeholder("team/module")
        .help(t("plan.repository_help")),
        Field::area("image.tags", t("plan.tags"), plan.image.tags.join("\n"), 5)
            .mono()
            .required()
            .help(t("plan.tags_help")),
        Field::choose("checkbox", "platforms", t("plan.platforms"), platforms)
            .help(t("plan.platforms_help")),
        Field::text("platforms_other", t("plan.platforms_other"), others)
            .mono()
            .placeholder("linux/riscv64"),
        Field::check(
            "image.declared_only",
            t("plan.declared_only"),
            plan.image.declared_only,
        )
        .help(t("plan.declared_only_help")),
    ]
}

fn apply_image(plan: &mut Plan, form: &Form) {
    plan.image.registry = form.text("image.registry");
    plan.image.repository = form.text("image.repository");
    let tags = form.text("image.tags");
    plan.image.tags = tags
        .split([',', '\n', ' '])
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    plan.platforms = form
        .all("platforms")
        .into_iter()
        .map(str::to_owned)
        .collect();
    plan.platforms.extend(words(&form.text("platforms_other")));
    plan.image.declared_only = form.ticked("image.declared_only");
}

/// A twin value as one edits it.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        plain => plain.to_string(),
    }
}

fn configuration(plan: &Plan) -> Vec<Field> {
    let defaults = &plan.defaults;
    let named = |all: &[NamedText]| -> Vec<(String, String)> {
        all.iter()
            .map(|each| (each.name.clone(), each.value.clone()))
            .collect()
    };
    let twin = defaults
        .twin
        .iter()
        .map(|each| (each.name.clone(), shown(&each.value)));
    let columns = (t("plan.pair_name"), t("plan.pair_value"));
    vec![
        Field::text(
            "defaults.module_name",
            t("plan.module_name"),
            &defaults.module_name,
        )
        .max(domain::defaults::MODULE_NAME_CHARS_MAX)
        .mono()
        .required()
        .help(t("plan.module_name_help")),
        Field::text("inputs", t("plan.inputs"), plan.inputs.join(", "))
            .mono()
            .help(t("plan.inputs_help")),
        Field::text("outputs", t("plan.outputs"), plan.outputs.join(", "))
            .mono()
            .help(t("plan.outputs_help")),
        Field::pairs(
            "defaults.routes",
            t("plan.routes"),
            (t("plan.pair_name"), t("plan.route")),
            named(&defaults.routes),
        )
        .help(t("plan.routes_help")),
        Field::pairs("defaults.twin", t("plan.twin"), columns, twin).help(t("plan.twin_help")),
        Field::pairs("defaults.env", t("plan.env"), columns, named(&defaults.env))
            .help(t("plan.env_help")),
        Field::area(
            "defaults.create_options",
            t("plan.create_options"),
            &defaults.create_options,
            10,
        )
        .mono()
        .help(t("plan.create_options_help")),
    ]
}

fn apply_configuration(plan: &mut Plan, form: &Form) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let defaults = &mut plan.defaults;
    defaults.module_name = form.text("defaults.module_name");
    plan.inputs = words(&form.text("inputs"));
    plan.outputs = words(&form.text("outputs"));
    let named = |name: &str| -> Vec<NamedText> {
        let rows = read_pairs(form, name).into_iter();
        rows.map(|(name, value)| NamedText { name, value })
            .collect()
    };
    defaults.routes = named("defaults.routes");
    defaults.env = named("defaults.env");
    defaults.create_options = form.text("defaults.create_options");
    let mut twin = Vec::new();
    for (name, text) in read_pairs(form, "defaults.twin") {
        match serde_json::from_str(&text) {
            Ok(value) => twin.push(NamedJson { name, value }),
            Err(error) => wrong.push(Violation::error(
                format!("defaults.twin.{name}"),
                t("plan.twin_limit"),
                error.to_string(),
                t("plan.twin_fix"),
            )),
        }
    }
    defaults.twin = twin;
    wrong
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn every_field_of_a_plan_has_one_part() {
        for (field, part) in [
            ("title", Part::Details),
            ("price.restrictions", Part::Details),
            ("image.tags[1]", Part::Image),
            ("platforms", Part::Image),
            ("defaults.env.SERVER", Part::Configuration),
            ("outputs[0]", Part::Configuration),
        ] {
            let holders: Vec<Part> = Part::ALL
                .into_iter()
                .filter(|part| part.holds(field))
                .collect();
            assert_eq!(holders, [part], "{field}");
        }
    }
}
