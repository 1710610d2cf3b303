//! Removes what runs of processes that are gone left behind: after `kill -9` nobody else would.

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
    /// this one cannot see, are left alone.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn sweep(&self) -> Result<Swept, EngineError> {
        let filter = query(&json!({"label": [label::OWNER]}).to_string());
        let what = "list what is left of earlier runs";
        let path = format!("/containers/json?all=true&filters={filter}");
        let containers = self.get(&path, what).await?;
        let path = format!("/networks?filters={filter}");
        let networks = self.get(&path, what).await?;
        let mut swept = Swept::default();
        for id in abandoned(&containers, "Id") {
            self.remove_container(&id).await?;
            swept.containers += 1;
        }
        for name in abandoned(&networks, "Name") {
            self.remove_network(&name).await?;
            swept.networks += 1;
        }
        for name in self.abandoned_images(what).await? {
            self.remove_image(&name).await?;
            swept.images += 1;
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

/// The ones among the listed whose owner is gone.
fn abandoned(listed: &Value, key: &str) -> Vec<String> {
    let all = listed.as_array().into_iter().flatten();
    all.filter(|one| {
        let owner = one["Labels"][label::OWNER].as_str();
        owner
            .and_then(Label::parse)
            .is_some_and(|owner| owner.is_gone())
    })
    .filter_map(|one| one[key].as_str().map(str::to_owned))
    .collect()
}
