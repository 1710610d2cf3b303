//! Later starts of a module: of the same container, as after a power cut, and of containers that may do less.

use std::time::Duration;

use domain::behaviour::{Life, Observed, Reached};
use domain::offer::ModuleKind;

use super::body::Profile;
use super::life::Running;
use super::perform::unstarted;
use super::{EngineError, Stand, StandError, digest};
use crate::log::{Entry, Event};

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
        let far = if self.plan.expected.kind == ModuleKind::Source {
            Reached::Sending
        } else {
            Reached::Connected
        };
        if outage_survived {
            let wanted = seen.first.reached.min(far);
            seen.second = Some(self.live(container, wanted).await?);
        }
        let wanted = seen.first.reached.min(Reached::Connected);
        let both = Profile {
            hardened: true,
            read_only: true,
        };
        let life = self.live_as(both, "strict", wanted).await?;
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
        seen.hardened = Some(self.live_as(hardened, "hardened", wanted).await?);
        seen.read_only = Some(self.live_as(read_only, "read-only", wanted).await?);
        Ok(())
    }

    /// A new container of a profile, started, watched and removed.
    async fn live_as(
        &mut self,
        profile: Profile,
        name: &str,
        wanted: Reached,
    ) -> Result<Life, EngineError> {
        let container = match self.make(profile, name).await {
            Ok((container, _)) => container,
            Err(EngineError::Refused { message, .. }) => return Ok(unstarted(message)),
            Err(problem) => return Err(problem),
        };
        let life = self.live(&container, wanted).await;
        self.engine.remove_container(&container).await?;
        self.traces.containers.retain(|id| *id != container);
        life
    }

    /// Starts a container, watches until it came so far, and ends it.
    async fn live(&mut self, container: &str, wanted: Reached) -> Result<Life, EngineError> {
        let mut running =
            match Running::start(&self.engine, container, self.environment.log()).await {
                Ok(running) => running,
                Err(EngineError::Refused { message, .. }) => return Ok(unstarted(message)),
                Err(problem) => return Err(problem),
            };
        let pace = self.plan.pace;
        let far = move |entry: &Entry| match wanted {
            Reached::Sending => matches!(entry.event, Event::Message { .. }),
            Reached::Connected => matches!(entry.event, Event::Connected { .. }),
            _ => false,
        };
        let patience = if wanted >= Reached::Connected {
            pace.connect_max
        } else {
            pace.settle
        };
        running.until(running.from, patience, far).await?;
        let mut life = Life {
            exit: running.exit(""),
            watched_ms: running.watched_ms(),
            ..Life::default()
        };
        let (from, began_us) = (running.from, running.began_us);
        digest::reached(self.log(), &self.plan.module, from, began_us, &mut life);
        running.stop(Duration::ZERO).await?;
        Ok(life)
    }
}

fn good(life: &Life, wanted: Reached) -> bool {
    life.not_started.is_none() && life.exit.is_none() && life.reached >= wanted
}
