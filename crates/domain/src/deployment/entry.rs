//! A module as it goes into a deployment, made from a plan's filled default configuration.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::create_options::CreateOptions;
use crate::create_options::chunks::{ChunkError, PIECE_BYTES_MAX, split};
use crate::defaults::{Defaults, NamedText};
use crate::route::Route;

/// A module to deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleEntry {
    /// Its name on the device.
    pub name: String,
    /// Its image, best by digest.
    pub image: String,
    /// createOptions as JSON text; empty means `{}`.
    pub create_options: String,
    /// Environment variables.
    pub env: Vec<NamedText>,
    /// Desired properties of its twin.
    pub twin: Map<String, Value>,
    /// Routes from and to it.
    pub routes: Vec<NamedText>,
    /// Free text that restarts the module when changed.
    pub version: String,
    /// When it is started among others; 0 first, absent last. Needs schema 1.1.
    pub startup_order: Option<u32>,
    /// When the agent starts it again.
    pub restart_policy: RestartPolicy,
    /// What the device needs to pull the image, if not everyone may.
    pub credentials: Option<RegistryCredentials>,
}

/// When the agent starts a module again (domain fact sheet §12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Never.
    Never,
    /// When it failed.
    OnFailure,
    /// When it failed or is unhealthy.
    OnUnhealthy,
    /// Always.
    #[default]
    Always,
}

/// Credentials of a registry, as the manifest carries them: in clear text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryCredentials {
    /// Name of the entry in the manifest.
    pub id: String,
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: String,
    /// Host and port of the registry.
    pub address: String,
}

/// The password stays out of logs.
impl std::fmt::Debug for RegistryCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryCredentials")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The runtime's own images; operator's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// Image of the edge agent.
    pub agent_image: String,
    /// Image of the edge hub.
    pub hub_image: String,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            agent_image: "mcr.microsoft.com/azureiotedge-agent:1.6".into(),
            hub_image: "mcr.microsoft.com/azureiotedge-hub:1.6".into(),
        }
    }
}

impl RestartPolicy {
    /// The policy as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::OnFailure => "on-failure",
            Self::OnUnhealthy => "on-unhealthy",
            Self::Always => "always",
        }
    }
}

impl ModuleEntry {
    /// The module of a default configuration, under its default name or another.
    ///
    /// Under another name the routes that name the module follow, and so do route names that contain its name.
    /// Placeholders are not looked at: fill them first, or [`super::merge`] refuses.
    pub fn new(defaults: &Defaults, image: &str, module_name: Option<&str>) -> Self {
        let old = defaults.module_name.as_str();
        let name = module_name.unwrap_or(old);
        let routes = defaults
            .routes
            .iter()
            .map(|route| renamed(route, old, name))
            .collect();
        Self {
            name: name.to_owned(),
            image: image.to_owned(),
            create_options: defaults.create_options.clone(),
            env: defaults.env.clone(),
            twin: defaults
                .twin
                .iter()
                .map(|property| (property.name.clone(), property.value.clone()))
                .collect(),
            routes,
            version: "1.0".into(),
            startup_order: None,
            restart_policy: RestartPolicy::default(),
            credentials: None,
        }
    }

    /// The module's entry under `modules`, with createOptions as text, cut into pieces when the hub's longest
    /// string cannot hold it.
    ///
    /// # Errors
    /// createOptions longer than all pieces together.
    pub fn to_value(&self) -> Result<Value, ChunkError> {
        let mut settings = Map::new();
        settings.insert("image".into(), self.image.clone().into());
        for (key, piece) in split(&self.compact_create_options(), PIECE_BYTES_MAX)? {
            settings.insert(key, piece.into());
        }
        Ok(self.with_settings(settings))
    }

    /// The module's entry for a template, with createOptions as an object where they are one.
    pub fn to_template_value(&self) -> Value {
        let options = match CreateOptions::parse(&self.create_options) {
            Ok(options) => Value::Object(options.members().clone()),
            Err(_) => Value::String(self.create_options.clone()),
        };
        let mut settings = Map::new();
        settings.insert("image".into(), self.image.clone().into());
        settings.insert("createOptions".into(), options);
        self.with_settings(settings)
    }

    fn with_settings(&self, settings: Map<String, Value>) -> Value {
        let mut entry = Map::new();
        entry.insert("version".into(), self.version.clone().into());
        entry.insert("type".into(), "docker".into());
        entry.insert("status".into(), "running".into());
        entry.insert("restartPolicy".into(), self.restart_policy.as_str().into());
        if let Some(order) = self.startup_order {
            entry.insert("startupOrder".into(), order.into());
        }
        if !self.env.is_empty() {
            let env: Map<String, Value> = self
                .env
                .iter()
                .map(|variable| (variable.name.clone(), json!({"value": variable.value})))
                .collect();
            entry.insert("env".into(), Value::Object(env));
        }
        entry.insert("settings".into(), Value::Object(settings));
        Value::Object(entry)
    }

    /// Without blanks between tokens; a text that is no JSON stays as it is, for the checks to refuse.
    fn compact_create_options(&self) -> String {
        CreateOptions::parse(&self.create_options)
            .map_or_else(|_| self.create_options.clone(), |options| options.to_text())
    }
}

impl RegistryCredentials {
    /// The entry under `registryCredentials`.
    pub fn to_value(&self) -> Value {
        json!({"username": self.username, "password": self.password, "address": self.address})
    }
}

/// A route that still has a placeholder does not parse; its text is kept and refused later.
fn renamed(route: &NamedText, old: &str, new: &str) -> NamedText {
    if old == new || old.is_empty() {
        return route.clone();
    }
    NamedText {
        name: route.name.replace(old, new),
        value: Route::parse(&route.value).map_or_else(
            |_| route.value.clone(),
            |parsed| parsed.rename_module(old, new),
        ),
    }
}
