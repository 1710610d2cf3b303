//! Deployments written from nothing but modules: full, for one device, and layered, for a fleet that has a base
//! deployment already (domain fact sheet §12.8, §12.9).

use serde_json::{Map, Value, json};

use super::entry::{ModuleEntry, Runtime};
use crate::create_options::chunks::ChunkError;

/// Seconds the edge hub keeps what it cannot deliver.
const TIME_TO_LIVE_SECS: u32 = 7200;

/// A complete manifest with the system modules and all modules given.
///
/// # Errors
/// createOptions that no number of pieces holds. Names and ports that clash are told by [`super::validate`].
pub fn full(modules: &[ModuleEntry], runtime: &Runtime) -> Result<Value, ChunkError> {
    let mut entries = Map::new();
    let mut routes = Map::new();
    let mut credentials = Map::new();
    for module in modules {
        entries.insert(module.name.clone(), module.to_value()?);
        for route in &module.routes {
            routes.insert(route.name.clone(), route.value.clone().into());
        }
        if let Some(registry) = &module.credentials {
            credentials.insert(registry.id.clone(), registry.to_value());
        }
    }
    let mut settings = Map::new();
    settings.insert("minDockerVersion".into(), "v1.25".into());
    settings.insert("loggingOptions".into(), "".into());
    if !credentials.is_empty() {
        settings.insert("registryCredentials".into(), Value::Object(credentials));
    }
    let hub_options = json!({"HostConfig": {"PortBindings": {
        "443/tcp": [{"HostPort": "443"}],
        "5671/tcp": [{"HostPort": "5671"}],
        "8883/tcp": [{"HostPort": "8883"}]
    }}});
    let mut content = Map::new();
    content.insert(
        "$edgeAgent".into(),
        json!({"properties.desired": {
            "schemaVersion": "1.1",
            "runtime": {"type": "docker", "settings": settings},
            "systemModules": {
                "edgeAgent": {
                    "type": "docker",
                    "settings": {"image": runtime.agent_image, "createOptions": "{}"}
                },
                "edgeHub": {
                    "type": "docker",
                    "status": "running",
                    "restartPolicy": "always",
                    "startupOrder": 0,
                    "settings": {"image": runtime.hub_image, "createOptions": hub_options.to_string()}
                }
            },
            "modules": entries
        }}),
    );
    content.insert(
        "$edgeHub".into(),
        json!({"properties.desired": {
            "schemaVersion": "1.1",
            "routes": routes,
            "storeAndForwardConfiguration": {"timeToLiveSecs": TIME_TO_LIVE_SECS}
        }}),
    );
    for module in modules.iter().filter(|module| !module.twin.is_empty()) {
        content.insert(
            module.name.clone(),
            json!({"properties.desired": module.twin}),
        );
    }
    Ok(json!({"modulesContent": content}))
}

/// A layered manifest: only the additions, each under its own path, so that nothing below is replaced.
///
/// # Errors
/// As for [`full`].
pub fn layered(modules: &[ModuleEntry]) -> Result<Value, ChunkError> {
    let mut content = Map::new();
    // The key must exist even when empty.
    let (mut agent, mut hub) = (Map::new(), Map::new());
    for module in modules {
        for (path, value) in agent_paths(module)? {
            agent.insert(path, value);
        }
        for (path, value) in route_paths(module) {
            hub.insert(path, value);
        }
    }
    content.insert("$edgeAgent".into(), Value::Object(agent));
    if !hub.is_empty() {
        content.insert("$edgeHub".into(), Value::Object(hub));
    }
    for module in modules.iter().filter(|module| !module.twin.is_empty()) {
        content.insert(module.name.clone(), layered_twin(module));
    }
    Ok(json!({"modulesContent": content}))
}

/// The paths a layered deployment sets in `$edgeAgent` for one module.
pub(super) fn agent_paths(module: &ModuleEntry) -> Result<Vec<(String, Value)>, ChunkError> {
    let mut paths = Vec::new();
    if let Some(registry) = &module.credentials {
        paths.push((
            format!(
                "properties.desired.runtime.settings.registryCredentials.{}",
                registry.id
            ),
            registry.to_value(),
        ));
    }
    paths.push((
        format!("properties.desired.modules.{}", module.name),
        module.to_value()?,
    ));
    Ok(paths)
}

/// The paths a layered deployment sets in `$edgeHub` for one module.
pub(super) fn route_paths(module: &ModuleEntry) -> Vec<(String, Value)> {
    module
        .routes
        .iter()
        .map(|route| {
            (
                format!("properties.desired.routes.{}", route.name),
                Value::String(route.value.clone()),
            )
        })
        .collect()
}

/// The module's own section: one path a property, so that properties of other layers stay.
pub(super) fn layered_twin(module: &ModuleEntry) -> Value {
    module
        .twin
        .iter()
        .map(|(name, value)| (format!("properties.desired.{name}"), value.clone()))
        .collect::<Map<String, Value>>()
        .into()
}
