//! The public catalog: every live module, ready to show and to search, held by this process.
//! A cache and never the truth: rebuilt from live listings whenever `catalog_version` moved.

mod build;
mod collect;
mod facets;
mod follow;
mod memory;
mod module;
mod query;
mod search;
mod table;

pub(crate) use build::preview;
pub use build::{BuildError, build};
pub use facets::{Facet, FacetValue, Facets};
pub use follow::follow;
pub use memory::{Memory, memory_limit};
pub use module::{Module, ModulePlan, Withdrawn};
pub use query::{PAGE_SIZE, PAGE_SIZE_MAX, Query, Sort};
pub use search::{Hit, Results};

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::ids::OfferKey;
use search::Index;

use crate::App;
use crate::error::Refused;

/// One immutable state of the catalog.
pub struct Snapshot {
    /// The `catalog_version` it was built from.
    pub version: i64,
    /// Modules in the order of their ids.
    pub modules: Vec<Arc<Module>>,
    /// Modules that the operator took down, with the reason.
    pub gone: BTreeMap<OfferKey, String>,
    /// Repositories of the public plans of listed modules, in order of name.
    pub repositories: Vec<String>,
    index: Index,
}

/// The catalog of this process; readers get the present snapshot and keep it as long as they like.
pub struct Catalog(RwLock<Arc<Snapshot>>);

impl Catalog {
    /// A catalog that shows a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self(RwLock::new(Arc::new(snapshot)))
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows another snapshot from now on; an older one is dropped instead.
    pub fn swap(&self, snapshot: Snapshot) {
        let mut present = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if snapshot.version >= present.version {
            *present = Arc::new(snapshot);
        }
    }

    /// A module by id, listed or stopped.
    pub fn module(&self, key: &OfferKey) -> Option<Arc<Module>> {
        self.snapshot().module(key)
    }
}

impl Snapshot {
    /// A module by id, listed or stopped.
    pub fn module(&self, key: &OfferKey) -> Option<Arc<Module>> {
        let at = self.modules.binary_search_by(|m| m.key.cmp(key)).ok()?;
        self.modules.get(at).map(Arc::clone)
    }

    /// Modules that search may show.
    pub fn listed(&self) -> impl Iterator<Item = &Arc<Module>> {
        self.modules.iter().filter(|module| module.listed)
    }

    /// Every listed module that matches some words, best first; without words all of them, newest first. For clients that
    /// know neither filters nor counts.
    pub fn matching(&self, text: &str) -> Vec<Arc<Module>> {
        self.index.matching(self, text, Sort::default())
    }

    /// Answers a query: hits of one page, the total, and counts for every facet.
    pub fn search(&self, query: &Query) -> Results {
        self.index.search(self, query)
    }
}

impl App {
    /// A module by id, listed or stopped; says why when it was taken down.
    pub fn module(&self, key: &OfferKey) -> Result<Arc<Module>, Refused> {
        let snapshot = self.catalog.snapshot();
        if let Some(module) = snapshot.module(key) {
            return Ok(module);
        }
        let name = key.to_string();
        match snapshot.gone.get(key) {
            Some(reason) => Err(Refused::Gone {
                what: "module",
                name,
                reason: reason.clone(),
            }),
            None => Err(Refused::NotFound {
                what: "module",
                name,
            }),
        }
    }
}
