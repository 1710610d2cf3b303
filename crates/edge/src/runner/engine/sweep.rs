//! Removes what runs of processes that are gone left behind: after `kill -9` nobody else would.

use std::path::Path;

use serde_json::{Value, json};

use super::image::query;
use super::{Engine, EngineError};
use crate::runner::label::{self, Label};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Containers.
    pub containers: usize,
    /// Networks.
    pub networks: usize,
    /// Images.
    pub images: usize,
}

impl Swept {
    /// Was there anything?
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

impl Engine {
    /// Removes containers, networks and images of runs whose process is gone. Runs of living processes, and of processes that
    /// this one cannot see, are left alone, and so is what the engine does not give up: the next sweep finds it again.
    ///
    /// # Errors
    /// The engine does not say what there is.
    pub async fn sweep(&self) -> Result<Swept, EngineError> {
        let filter = query(&json!({"label": [label::OWNER]}).to_string());
        let what = "list what is left of earlier runs";
        let path = format!("/containers/json?all=true&filters={filter}");
        let containers = self.get(&path, what).await?;
        let path = format!("/networks?filters={filter}");
        let networks = self.get(&path, what).await?;
        let mut swept = Swept::default();
        for one in abandoned(&containers) {
            let id = one["Id"].as_str().unwrap_or_default();
            swept.containers += usize::from(done(self.remove_container(id).await));
        }
        for one in abandoned(&networks) {
            let name = one["Name"].as_str().unwrap_or_default();
            swept.networks += usize::from(done(self.remove_network(name).await));
            if let Some(folder) = label::folder(&one["Labels"]) {
                remove_folder(folder).await;
            }
        }
        for name in self.abandoned_images(what).await? {
            swept.images += usize::from(done(self.remove_image(&name).await));
        }
        Ok(swept)
    }

    async fn abandoned_images(&self, what: &str) -> Result<Vec<String>, EngineError> {
        let listed = self.get("/images/json", what).await?;
        let names = listed.as_array().into_iter().flatten();
        let names = names.flat_map(|one| one["RepoTags"].as_array().into_iter().flatten());
        let gone = |name: &&str| Label::of_image(name).is_some_and(|owner| owner.is_gone());
        Ok(names
            .filter_map(Value::as_str)
            .filter(gone)
            .map(str::to_owned)
            .collect())
    }
}

/// Whether something is removed; of two sweeps at once, one finds the other at work.
fn done(removed: Result<(), EngineError>) -> bool {
    match removed {
        Ok(()) => true,
        Err(EngineError::Refused { status: 409, .. }) => false,
        Err(problem) => {
            tracing::warn!(%problem, "something is left of an earlier run");
            false
        }
    }
}

/// The ones among the listed whose owner is gone.
fn abandoned(listed: &Value) -> impl Iterator<Item = &Value> {
    let all = listed.as_array().into_iter().flatten();
    all.filter(|one| Label::read(&one["Labels"]).is_some_and(|owner| owner.is_gone()))
}

/// Removes the sockets and keys of a run that is over.
async fn remove_folder(folder: &Path) {
    match tokio::fs::remove_dir_all(folder).await {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %problem, "a folder is left of an earlier run");
        }
        _ => {}
    }
}
