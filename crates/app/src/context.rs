//! What every use-case is given: metadata, bytes, clock, settings, and the few things that live in this process.

use std::ops::Deref;
use std::sync::Arc;

use store::{Blobs, Reader, Store, Writer};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::accounts::Throttle;
use crate::catalog::{self, Catalog};
use crate::clock::Clock;
use crate::egress::Egress;
use crate::jobs;
use crate::pipeline;
use crate::registry::{self, Passwords, Pulls, TokenKeys};
use crate::secrets::SecretKeys;
use crate::settings::Settings;

/// A cheap handle on the running marketplace; clone it freely.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    /// Reads of metadata; pages may use it directly.
    pub reader: Reader,
    /// Writes of metadata; only use-cases hold it.
    pub(crate) writer: Writer,
    /// Blobs, upload chunks and logos.
    pub blobs: Blobs,
    /// What time it is.
    pub clock: Clock,
    /// The operator's decisions.
    pub settings: Settings,
    /// Every live module, ready to search.
    pub catalog: Catalog,
    /// Signs and checks registry tokens.
    pub token_keys: TokenKeys,
    /// What was pulled from this process and is not in the database yet.
    pub pulls: Pulls,
    /// The guarded way out.
    pub(crate) egress: Egress,
    /// Seals publishers' registry passwords.
    pub(crate) secrets: SecretKeys,
    /// Slows down guessing.
    pub(crate) throttle: Throttle,
    /// Passwords that registry clients just gave.
    pub(crate) passwords: Passwords,
    /// A turn for each module that this process may run at once.
    pub(crate) runs: Semaphore,
    /// Rung when a job was enqueued here, so that the runner need not wait for its poll.
    pub(crate) jobs_waiting: Notify,
    /// Rung when the catalog changed here, so that this process need not wait for its poll.
    pub(crate) catalog_changed: Notify,
}

/// The parts that only the binary can bring.
pub struct Parts {
    /// Metadata and bytes.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// The operator's decisions.
    pub settings: Settings,
    /// Seals secrets at rest.
    pub secrets: SecretKeys,
    /// Signs registry tokens.
    pub token_keys: TokenKeys,
    /// The guarded way out.
    pub egress: Egress,
}

impl App {
    /// Puts the parts together and reads the catalog once.
    pub async fn start(parts: Parts) -> Result<Self, catalog::BuildError> {
        let Store {
            reader,
            writer,
            blobs,
        } = parts.store;
        let catalog = Catalog::new(catalog::build(&reader).await?);
        let runs_at_once = parts.settings.runs.parallel_max.max(1);
        Ok(Self(Arc::new(Inner {
            reader,
            writer,
            blobs,
            clock: parts.clock,
            settings: parts.settings,
            catalog,
            token_keys: parts.token_keys,
            pulls: Pulls::default(),
            egress: parts.egress,
            secrets: parts.secrets,
            throttle: Throttle::default(),
            passwords: Passwords::default(),
            runs: Semaphore::new(runs_at_once),
            jobs_waiting: Notify::new(),
            catalog_changed: Notify::new(),
        })))
    }

    /// Starts the background work of this process: jobs, housekeeping, the catalog's follower and the
    /// bringing of pull counts. All end when `stop` turns true.
    pub fn spawn_background(&self, stop: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        vec![
            tokio::spawn(jobs::run(self.clone(), stop.clone())),
            tokio::spawn(jobs::housekeeping(self.clone(), stop.clone())),
            tokio::spawn(pipeline::sweep_runs(self.clone())),
            tokio::spawn(jobs::nights(self.clone(), stop.clone())),
            tokio::spawn(catalog::follow(self.clone(), stop.clone())),
            tokio::spawn(registry::bring_now_and_then(self.clone(), stop.clone())),
        ]
    }

    /// Tells this process's catalog to look again.
    pub(crate) fn catalog_changed(&self) {
        self.catalog_changed.notify_waiters();
    }
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}
