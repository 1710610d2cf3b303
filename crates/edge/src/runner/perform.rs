//! The steps of a run, in their order. A step that a module does not survive is the last one done to it; rules that
//! needed a later one are then not reached.

use domain::behaviour::{ImageSize, Life, Network, Observed, Reached, Timeline};
use domain::offer::ModuleKind;

use super::body::Profile;
use super::life::{Met, Running};
use super::steps::Step;
use super::watch::{Meter, Sent};
use super::{EngineError, Stand, StandError, digest};
use crate::log::{Entry, Event};

/// How engines say that an image or its options cannot be started.
const MODULE_FAULTS: [&str; 8] = [
    "executable file",
    "exec format error",
    "no such file or directory",
    "permission denied",
    "unable to find user",
    "no command specified",
    "is a directory",
    "not a directory",
];
/// How they say that the machine is at fault, also where the words above stand beside.
const MACHINE_FAULTS: [&str; 6] = [
    "no space left",
    "netavark",
    "aardvark",
    "cgroup",
    "address already in use",
    "too many open files",
];
/// Bytes of a module's output that are kept.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

impl Stand {
    /// Goes through all the steps, and says what was seen. The module's own output is kept in `output`.
    ///
    /// # Errors
    /// The engine or the environment fails; what a module does wrong is no error.
    pub async fn perform(&mut self, output: &mut String) -> Result<Observed, StandError> {
        let mut seen = Observed {
            contained: true,
            emulated: !self.site.engine.is_own(&self.image.architecture),
            left_out: self.left_out(),
            image: Some(ImageSize {
                compressed_bytes: self.plan.compressed_bytes,
                unpacked_bytes: self.image.unpacked_bytes,
            }),
            ..Observed::default()
        };
        let made = match self.make(Profile::default(), "first").await {
            Ok(made) => made,
            Err(problem) => return not_started(seen, problem),
        };
        let container = made.id;
        let mut running = match Running::start(&self.site.engine, &container, self.log()).await {
            Ok(running) => running,
            Err(problem) => return not_started(seen, problem),
        };
        self.is_reachable(&container).await?;
        let sent = Sent {
            log: self.log().clone(),
            module: self.plan.module.clone(),
        };
        let meter = Meter::start(&self.site.engine, &container, self.plan.pace.sample, sent);
        let outcome = self.work(&mut running, &mut seen).await;
        let measured = meter.end().await;
        outcome?;
        seen.footprint = measured.footprint(made.memory_bytes_max);
        let outage_ms = digest::outage(self.log(), running.began_us);
        seen.timeline = Timeline::of(measured.moments, outage_ms);
        seen.network = measured.packets.map(|packets| Network {
            names: Vec::new(),
            packets,
        });
        self.stop(&mut running, &mut seen).await?;
        self.read_log(&running, &mut seen);
        *output = self.site.engine.container_output(&container).await?;
        shorten(output);
        drop(running);
        if seen.first.exit.is_none() && self.came_far_enough(&seen) {
            self.start_again(&container, &mut seen).await?;
        }
        Ok(seen)
    }

    /// Watches it, does things to it, lets the hub go away.
    async fn work(&mut self, running: &mut Running, seen: &mut Observed) -> Result<(), StandError> {
        let pace = self.plan.pace;
        let connected = |entry: &Entry| matches!(entry.event, Event::Connected { .. });
        let met = running
            .until(running.from, pace.connect_max, connected)
            .await?;
        if matches!(met, Met::Event) && self.plan.expected.kind == ModuleKind::Source {
            let outputs = &self.plan.expected.outputs;
            let sent = |entry: &Entry| match &entry.event {
                Event::Message { output, .. } => {
                    outputs.is_empty() || output.as_ref().is_some_and(|name| outputs.contains(name))
                }
                _ => false,
            };
            running
                .until(running.from, pace.first_message_max, sent)
                .await?;
        }
        running.watch(pace.settle).await?;
        seen.first.exit = running.exit("");
        if matches!(met, Met::Event) {
            for step in [Step::Desired, Step::Inputs, Step::Methods] {
                self.step(step, running, seen).await?;
                if seen.first.exit.is_none() {
                    seen.first.exit = running.exit(step.words());
                }
            }
            digest::count(self.site.environment.log(), &self.plan.module, seen);
            if running.exit("").is_none() {
                self.outage(running, seen).await?;
            }
            if running.exit("").is_none() {
                self.renew(running, seen).await?;
            }
        }
        let outage = seen.outage.as_ref().and_then(|outage| outage.exit.as_ref());
        let renewal = seen.renewal.as_ref().and_then(|wait| wait.exit.as_ref());
        if seen.first.exit.is_none() && outage.or(renewal).is_none() {
            seen.first.exit = running.exit("");
        }
        Ok(())
    }

    /// What the log says of the first start.
    fn read_log(&self, running: &Running, seen: &mut Observed) {
        let (log, module) = (self.site.environment.log(), &self.plan.module);
        digest(log, module, seen);
        digest::reached(log, module, running.from, running.began_us, &mut seen.first);
        seen.first.watched_ms = running.watched_ms();
        if !self.site.names_are_seen()
            && seen
                .network
                .as_ref()
                .is_some_and(|network| network.packets == 0)
        {
            // Half of the evidence says nothing about the whole.
            seen.network = None;
        }
        if let Some(network) = &mut seen.network {
            let mut names: Vec<String> = log
                .entries(0)
                .iter()
                .filter_map(|entry| match &entry.event {
                    Event::NameAsked { name } => Some(name.clone()),
                    _ => None,
                })
                .collect();
            names.sort();
            names.dedup();
            network.names = names;
        }
    }

    /// Later starts say something only about a module whose first one went well.
    fn came_far_enough(&self, seen: &Observed) -> bool {
        self.plan.expected.kind == ModuleKind::Companion || seen.first.reached >= Reached::Connected
    }
}

/// The engine's refusal to start a container may be the module's fault; that the engine is gone is not.
fn not_started(mut seen: Observed, problem: EngineError) -> Result<Observed, StandError> {
    seen.first = unstarted(problem)?;
    Ok(seen)
}

/// A start that the module itself prevents; the machine's own trouble stays an error.
pub(super) fn unstarted(problem: EngineError) -> Result<Life, EngineError> {
    let EngineError::Refused {
        status, message, ..
    } = &problem
    else {
        return Err(problem);
    };
    let lower = message.to_ascii_lowercase();
    let machine = MACHINE_FAULTS.iter().any(|words| lower.contains(words));
    let module =
        matches!(status, 400 | 404) || MODULE_FAULTS.iter().any(|words| lower.contains(words));
    if machine || !module {
        return Err(problem);
    }
    Ok(Life {
        not_started: Some(message.clone()),
        ..Life::default()
    })
}

/// Keeps the end of a long text.
fn shorten(text: &mut String) {
    let mut at = text.len().saturating_sub(OUTPUT_BYTES_MAX);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    text.drain(..at);
}
