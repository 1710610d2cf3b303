//! Later starts of a module: of the same container, as after a power cut, and of containers that may do less.

use std::time::Duration;

use domain::behaviour::{Life, Observed, Reached};

use super::body::Profile;
use super::life::{Met, Running};
use super::perform::unstarted;
use super::{EngineError, Stand, StandError, digest};
use crate::log::{Entry, Event};

/// What a later start may take longer than the first.
const AGAIN_MARGIN: Duration = Duration::from_secs(10);

impl Stand {
    /// The same container again, then new ones that may do less.
    pub(super) async fn start_again(
        &mut self,
        container: &str,
        seen: &mut Observed,
    ) -> Result<(), StandError> {
        let outage_survived = seen
            .outage
            .as_ref()
            .is_none_or(|outage| outage.exit.is_none());
        if outage_survived {
            let wanted = self.plan.expected.again(seen.first.reached);
            let patience = self.patience(&seen.first, wanted);
            seen.second = Some(self.live(container, wanted, patience).await?);
        }
        let wanted = seen.first.reached.min(Reached::Connected);
        let patience = self.patience(&seen.first, wanted);
        let both = Profile {
            hardened: true,
            read_only: true,
        };
        let life = self.live_as(both, "strict", wanted, patience).await?;
        if good(&life, wanted) {
            seen.hardened = Some(life.clone());
            seen.read_only = Some(life);
            return Ok(());
        }
        let hardened = Profile {
            hardened: true,
            read_only: false,
        };
        let read_only = Profile {
            hardened: false,
            read_only: true,
        };
        let life = self.live_as(hardened, "hardened", wanted, patience).await?;
        seen.hardened = Some(life);
        let life = self
            .live_as(read_only, "read-only", wanted, patience)
            .await?;
        seen.read_only = Some(life);
        Ok(())
    }

    /// How long a later start may take: no less than the first one took, and some more.
    fn patience(&self, first: &Life, wanted: Reached) -> Duration {
        let pace = self.plan.pace;
        let took = match wanted {
            Reached::Sending => first.message_ms,
            Reached::Connected => first.connected_ms,
            _ => return pace.settle,
        };
        let took = Duration::from_millis(took.unwrap_or_default());
        pace.connect_max.max(took + AGAIN_MARGIN)
    }

    /// A new container of a profile, started, watched and removed.
    async fn live_as(
        &mut self,
        profile: Profile,
        name: &str,
        wanted: Reached,
        patience: Duration,
    ) -> Result<Life, EngineError> {
        let container = match self.make(profile, name).await {
            Ok(made) => made.id,
            Err(problem) => return unstarted(problem),
        };
        let life = self.live(&container, wanted, patience).await;
        match self.site.engine.remove_container(&container).await {
            Ok(()) => self.site.traces.containers.retain(|id| *id != container),
            // Tried again at the end of the run, which says so.
            Err(problem) => tracing::debug!(%problem, "a container stays for now"),
        }
        life
    }

    /// Starts a container, watches until it came so far, and ends it.
    async fn live(
        &mut self,
        container: &str,
        wanted: Reached,
        patience: Duration,
    ) -> Result<Life, EngineError> {
        let started = Running::start(&self.site.engine, container, self.log()).await;
        let mut running = match started {
            Ok(running) => running,
            Err(problem) => return unstarted(problem),
        };
        let far = move |entry: &Entry| match wanted {
            Reached::Sending => matches!(entry.event, Event::Message { .. }),
            Reached::Connected => matches!(entry.event, Event::Connected { .. }),
            _ => false,
        };
        let met = running.until(running.from, patience, far).await?;
        let mut life = Life {
            exit: running.exit(""),
            watched_ms: running.watched_ms(),
            ..Life::default()
        };
        let (from, began_us) = (running.from, running.began_us);
        digest::reached(self.log(), &self.plan.module, from, began_us, &mut life);
        // Seen live; of a module that talks much, the log keeps no more.
        if matches!(met, Met::Event) {
            life.reached = life.reached.max(wanted);
        }
        running.stop(Duration::ZERO).await?;
        Ok(life)
    }
}

fn good(life: &Life, wanted: Reached) -> bool {
    life.not_started.is_none() && life.exit.is_none() && life.reached >= wanted
}
