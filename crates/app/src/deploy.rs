//! From a module to a deployment manifest: a plan's release with its placeholders filled, full or layered.
//! For anyone, without signing in. Refuses unknown plans and versions, and placeholders left unfilled, all by name.

use std::collections::BTreeMap;

use domain::defaults::Defaults;
use domain::deployment::{self, ModuleEntry};
use domain::placeholder::{self, Placeholder};
use domain::release::Release;
use domain::violation::{Level, Violation};
use serde_json::Value;

use crate::App;
use crate::catalog::{Module, ModulePlan};
use crate::error::Refused;

/// Which form of manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A complete deployment for one device.
    #[default]
    Full,
    /// A layer on top of a base deployment.
    Layered,
}

impl Form {
    /// From an address; `None` for an unknown word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "" | "full" => Some(Self::Full),
            "layered" => Some(Self::Layered),
            _ => None,
        }
    }
}

/// What the customer chose.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// A version, or nothing for the newest.
    pub version: Option<String>,
    /// Another module name than the default.
    pub module_name: Option<String>,
    /// Values for placeholders, by name without brackets.
    pub values: BTreeMap<String, String>,
}

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum NoManifest {
    /// No such plan or version.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// These placeholders have no value, or one that does not fit.
    #[error("these placeholders need a value: {}", names(.0))]
    Unfilled(Vec<Placeholder>),
}

fn names(placeholders: &[Placeholder]) -> String {
    let names: Vec<String> = placeholders
        .iter()
        .map(|placeholder| match &placeholder.refused {
            Some(why) => format!("{} ({why})", placeholder.name),
            None => placeholder.name.clone(),
        })
        .collect();
    names.join(", ")
}

/// The image reference that goes into a manifest: by digest, which the edge agent accepts and nobody can move.
pub fn image_reference(app: &App, plan: &ModulePlan, release: &Release) -> String {
    format!(
        "{}/{}@{}",
        app.settings.registry_host, plan.repository, release.digest
    )
}

/// A plan's defaults with the customer's values in them, checked again.
pub(crate) fn filled(
    defaults: &Defaults,
    values: &BTreeMap<String, String>,
) -> Result<Defaults, NoManifest> {
    let filled = placeholder::fill(defaults, values).map_err(NoManifest::Unfilled)?;
    let wrong: Vec<Violation> = domain::defaults::check_defaults(&filled)
        .into_iter()
        .filter(|violation| violation.level == Level::Error)
        .collect();
    if wrong.is_empty() {
        Ok(filled)
    } else {
        Err(Refused::Invalid(wrong).into())
    }
}

/// The entry of a module for a manifest, filled and checked again.
pub fn entry(
    app: &App,
    module: &Module,
    plan: &str,
    choice: &Choice,
) -> Result<ModuleEntry, NoManifest> {
    let wanted = choice.version.clone().unwrap_or_default();
    if let Some(withdrawn) = module.withdrawn(plan, &wanted) {
        return Err(Refused::Gone {
            what: "version",
            name: wanted,
            reason: withdrawn.reason.clone(),
        }
        .into());
    }
    let plan = module
        .plan(plan)
        .ok_or_else(|| Refused::not_found("plan", plan))?;
    let release = plan
        .release(choice.version.as_deref())
        .ok_or_else(|| Refused::not_found("version", wanted))?;
    let filled = filled(&release.defaults, &choice.values)?;
    let image = image_reference(app, plan, release);
    let mut entry = ModuleEntry::new(&filled, &image, choice.module_name.as_deref());
    entry.version = release.version.to_string();
    Ok(entry)
}

/// The whole manifest.
pub fn manifest(
    app: &App,
    module: &Module,
    plan: &str,
    form: Form,
    choice: &Choice,
) -> Result<Value, NoManifest> {
    let entry = entry(app, module, plan, choice)?;
    let built = match form {
        Form::Full => deployment::full(&[entry], &app.settings.runtime),
        Form::Layered => deployment::layered(&[entry]),
    };
    built.map_err(|error| {
        let fix = "Ask the publisher to shorten the container options.";
        Refused::invalid(
            "defaults.create_options",
            "container options the agent can read",
            error.to_string(),
            fix,
        )
        .into()
    })
}
