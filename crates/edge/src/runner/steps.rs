//! What is done to a running module, one thing after the other, and what it makes of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::behaviour::{Desired, Input, Method, Observed, Outage, Stop};
use domain::offer::ModuleKind;
use domain::overlay::{Call, Feed};
use serde_json::{Value, json};

use super::life::{Met, Running};
use super::{EngineError, Stand, StandError};
use crate::hub::MethodError;
use crate::log::{Entry, Event};
use crate::message::{Message, Source};
use crate::topic::Properties;

/// A method that no module knows.
const UNKNOWN_METHOD: &str = "edgemart-unknown";
/// Watched after a return, with nothing done to it.
const RETURN_SETTLE: Duration = Duration::from_secs(2);
/// How long an end may take to be seen at the hub.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// What is done to a module while it runs.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Desired,
    Inputs,
    Methods,
}

impl Step {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Desired => "a change of its desired properties",
            Self::Inputs => "a message to its input",
            Self::Methods => "a call of its methods",
        }
    }
}

impl Stand {
    /// Does one thing, unless the module has ended.
    pub(super) async fn step(
        &mut self,
        step: Step,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        if running.exit("").is_some() {
            return Ok(());
        }
        match step {
            Step::Desired => self.change_desired(running, seen).await,
            Step::Inputs => self.feed(running, seen).await,
            Step::Methods => self.call(running, seen).await,
        }
    }

    /// Its desired properties are set again, to what they are: that is harmless for any module, and has to be heard.
    async fn change_desired(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        if self.plan.desired.is_empty() {
            return Ok(());
        }
        let from = self.log().next_number();
        let changed = self
            .site
            .environment
            .hub()
            .change_desired(&self.plan.module, &self.plan.desired);
        let heard = matches!(changed, Ok(Ok(_)))
            && self
                .log()
                .entries(from)
                .iter()
                .any(|entry| matches!(entry.event, Event::DesiredChanged { sent: true, .. }));
        let mut reported = false;
        if heard {
            let wanted = |entry: &Entry| matches!(entry.event, Event::Reported { .. });
            let met = running
                .until(from, self.plan.pace.reaction_max, wanted)
                .await?;
            reported = matches!(met, Met::Event);
        }
        seen.desired = Some(Desired { heard, reported });
        Ok(())
    }

    /// A message to each input; then a filter has a moment to send something.
    async fn feed(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        let feeds = self.plan.feeds.clone();
        if feeds.is_empty() {
            return Ok(());
        }
        let patience = self.plan.pace.reaction_max;
        let mut inputs = Vec::new();
        for feed in feeds {
            let name = feed.name.clone();
            let from = self.log().next_number();
            let sent =
                self.site
                    .environment
                    .hub()
                    .send_input(&self.plan.module, &name, &message(&feed));
            let wanted = |entry: &Entry| matches!(&entry.event, Event::InputTaken { input } if *input == name);
            let met = match sent {
                Ok(()) => running.until(from, patience, wanted).await?,
                Err(_) => Met::Nothing,
            };
            let taken = matches!(met, Met::Event);
            inputs.push(Input { name, taken });
        }
        if self.plan.expected.kind == ModuleKind::Filter && inputs.iter().any(|input| input.taken) {
            let message = |entry: &Entry| matches!(entry.event, Event::Message { .. });
            running.until(running.from, patience, message).await?;
        }
        seen.inputs = Some(inputs);
        Ok(())
    }

    /// Every method it declares, and one that it cannot know.
    async fn call(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        let unknown = Call {
            name: UNKNOWN_METHOD.to_owned(),
            payload: Value::Null,
        };
        let calls = self.plan.calls.clone().into_iter();
        let calls = calls.map(|call| (call, false)).chain([(unknown, true)]);
        let mut methods = Vec::new();
        for (Call { name, payload }, unknown) in calls {
            let began = Instant::now();
            let hub = self.site.environment.hub();
            let patience = self.plan.pace.method_max;
            let calling = hub.call_method(&self.plan.module, &name, &payload, patience);
            let Some(answer) = running.during(calling).await? else {
                break;
            };
            let answer = match answer {
                Ok(answer) => Ok((answer.status, millis(began.elapsed()))),
                Err(MethodError::NotReachable(_)) => Err(String::new()),
                Err(problem) => Err(problem.to_string()),
            };
            methods.push(Method {
                name,
                unknown,
                answer,
            });
        }
        seen.methods = Some(methods);
        Ok(())
    }

    /// Lets the hub go away and come back.
    pub(super) async fn outage(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), StandError> {
        let pace = self.plan.pace;
        self.site.environment.stop_hub().await;
        let survived = running.watch(pace.outage).await?;
        let from = self.log().next_number();
        let back = Instant::now();
        self.site.environment.start_hub()?;
        let connected = |entry: &Entry| matches!(entry.event, Event::Connected { .. });
        let met = running.until(from, pace.return_max, connected).await?;
        let back_after = back.elapsed();
        // What waited for it arrives now; a stop in the middle would look like a fault.
        running.watch(RETURN_SETTLE).await?;
        seen.outage = Some(Outage {
            seconds: pace.outage.as_secs(),
            back_after_ms: matches!(met, Met::Event).then(|| millis(back_after)),
            patience_ms: millis(pace.return_max),
            exit: if survived && !matches!(met, Met::Ended) {
                None
            } else {
                running.exit("")
            },
        });
        Ok(())
    }

    /// Stops it as a device does.
    pub(super) async fn stop(
        &mut self,
        running: &mut Running,
        seen: &mut Observed,
    ) -> Result<(), EngineError> {
        if running.exit("").is_some() {
            return Ok(());
        }
        let from = self.log().next_number();
        let connected = self.site.environment.hub().is_connected(&self.plan.module);
        let (took_ms, killed) = running.stop(self.plan.pace.stop_max).await?;
        let gone = |entry: &Entry| matches!(entry.event, Event::Disconnected { .. });
        let said_goodbye = if connected {
            let found = self.log().wait_for(from, GOODBYE_MAX, gone).await;
            let clean =
                |entry: &Entry| matches!(entry.event, Event::Disconnected { clean: true, .. });
            Some(found.is_some_and(|entry| clean(&entry)))
        } else {
            None
        };
        seen.stop = Some(Stop {
            took_ms,
            killed,
            said_goodbye,
        });
        Ok(())
    }
}

/// The message of a feed; without a body, the field's usual reading as the simulated sensor sends it.
fn message(feed: &Feed) -> Message {
    let body = feed.body.clone().unwrap_or_else(|| {
        json!({
            "machine": {"temperature": 71.5, "pressure": 6.3},
            "ambient": {"temperature": 21.2, "humidity": 25},
            "temperature": 71.5, "timeCreated": "2026-01-01T00:00:00Z",
        })
    });
    let mut properties = Properties::default()
        .with_system("contentType", "application/json")
        .with_system("contentEncoding", "utf-8");
    properties.application.extend(feed.properties.clone());
    Message {
        source: Source::Module {
            module: "edgemart-feeder".into(),
            output: Some("readings".into()),
        },
        properties,
        payload: Bytes::from(body.to_string()),
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
