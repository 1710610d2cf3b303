//! What a person, a rule or another module does to a module through the hub: send to an input, change desired
//! properties, call a method.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::Hub;
use super::session::Unsent;
use crate::log::{Event, Reading, cut, excerpt};
use crate::message::{MESSAGE_BYTES_MAX, Message};
use crate::mqtt::TEXT_BYTES_MAX;
use crate::topic::{self, Family, INPUT_BYTES_MAX};
use crate::twin::PatchError;

/// Methods that may be called at once on one module.
const CALLS_MAX: usize = 64;
/// Characters of a method's name, as the cloud takes it.
pub const METHOD_NAME_CHARS_MAX: usize = 100;
/// Bytes of a method's payload.
pub(super) const METHOD_BYTES_MAX: usize = 128 * 1024;

/// No such module in the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no module {0:?} in this run")]
pub struct UnknownModule(pub String);

/// What a module answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodAnswer {
    /// Status, any integer; 200 by custom.
    pub status: i64,
    /// Payload as sent, JSON by custom.
    pub payload: Bytes,
}

impl MethodAnswer {
    /// The payload as JSON; nothing sent is null, and what is no JSON is its text.
    pub fn value(&self) -> Value {
        if self.payload.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.payload)
            .unwrap_or_else(|_| Value::String(excerpt(&String::from_utf8_lossy(&self.payload))))
    }
}

/// Why a method gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// No such module.
    #[error(transparent)]
    UnknownModule(#[from] UnknownModule),
    /// Not connected, or without a handler for methods.
    #[error("module {0:?} is not connected, or has not subscribed to methods")]
    NotReachable(String),
    /// Too many calls at once, or the module takes nothing.
    #[error(
        "module {0:?} has {CALLS_MAX} calls waiting already, or does not take what was sent to it"
    )]
    Crowded(String),
    /// The name is empty or too long.
    #[error("a method's name has 1 to {METHOD_NAME_CHARS_MAX} characters; this one has {0}")]
    Name(usize),
    /// The payload is too large.
    #[error("a payload of {0} bytes; a method takes at most {METHOD_BYTES_MAX}")]
    Oversize(usize),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

/// Why a message cannot be put before an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// No such module.
    #[error(transparent)]
    UnknownModule(#[from] UnknownModule),
    /// The message is too large.
    #[error("a message of {0} bytes; at most {MESSAGE_BYTES_MAX} are taken")]
    Oversize(usize),
    /// No topic can hold the input's name.
    #[error(
        "{0:?} is no name of an input: 1 to {INPUT_BYTES_MAX} bytes without + # / and control characters"
    )]
    Name(String),
    /// Its properties do not fit a topic once they are percent-encoded.
    #[error("its topic would have {0} bytes, properties included; MQTT takes {TEXT_BYTES_MAX}")]
    Topic(usize),
    /// Too much waits for the module already.
    #[error("too many messages wait for module {0:?}; it has to take some first")]
    Crowded(String),
}

impl Hub {
    /// Puts a message before an input; it waits there until the module subscribes and takes it.
    ///
    /// # Errors
    /// No such module, no name of an input, too large, or too many wait.
    pub fn send_input(
        &self,
        module: &str,
        input: &str,
        message: &Message,
    ) -> Result<(), InputError> {
        if message.bytes() > MESSAGE_BYTES_MAX {
            return Err(InputError::Oversize(message.bytes()));
        }
        if !topic::is_input(input) {
            return Err(InputError::Name(excerpt(input)));
        }
        let mut state = self.lock();
        if state.module(module).is_none() {
            return Err(UnknownModule(module.to_owned()).into());
        }
        self.queue_input(&mut state, module, input, message)
    }

    /// Whether a module has a connection now.
    pub fn is_connected(&self, module: &str) -> bool {
        let mut state = self.lock();
        let found = state.module(module);
        found.is_some_and(|module| module.session.live.is_some())
    }

    /// The twin, as the module would read it.
    ///
    /// # Errors
    /// No such module.
    pub fn twin(&self, module: &str) -> Result<Value, UnknownModule> {
        let mut state = self.lock();
        let found = state
            .module(module)
            .ok_or_else(|| UnknownModule(module.to_owned()))?;
        Ok(found.twin.document())
    }

    /// Changes desired properties and tells the module; gives the new version.
    ///
    /// # Errors
    /// The outer error: no such module. The inner one: the patch breaks a limit.
    pub fn change_desired(
        &self,
        module: &str,
        patch: &Map<String, Value>,
    ) -> Result<Result<u64, PatchError>, UnknownModule> {
        let mut state = self.lock();
        let found = state
            .module(module)
            .ok_or_else(|| UnknownModule(module.to_owned()))?;
        let name = found.credentials.module.clone();
        let change = match found.twin.change_desired(patch) {
            Ok(change) => change,
            Err(problem) => return Ok(Err(problem)),
        };
        let version = found.twin.desired_version();
        let sent = found.session.reply(Family::Desired, || {
            (topic::desired(version), Bytes::from(change.to_string()))
        });
        let sent = self.note_unsent(&name, Family::Desired, sent);
        self.log.record(
            Some(&name),
            Event::DesiredChanged {
                patch: cut(&Value::Object(patch.clone())),
                version,
                sent,
            },
        );
        Ok(Ok(version))
    }

    /// Calls a direct method and waits for its answer.
    ///
    /// # Errors
    /// The module cannot be reached, or does not answer in time.
    pub async fn call_method(
        &self,
        module: &str,
        method: &str,
        payload: &Value,
        patience: Duration,
    ) -> Result<MethodAnswer, MethodError> {
        let began = Instant::now();
        let called = self.begin_call(module, method, payload);
        let (name, rid, answer) = match called {
            Ok(called) => called,
            Err(problem) => {
                self.failed(module, method, &problem);
                return Err(problem);
            }
        };
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(answer)) => {
                self.log.record(
                    Some(&name),
                    Event::MethodAnswered {
                        method: excerpt(method),
                        status: answer.status,
                        body: Reading::of(&answer.payload),
                        after_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    },
                );
                Ok(answer)
            }
            // The sender goes away only with the module.
            Ok(Err(_)) => Err(UnknownModule(module.to_owned()).into()),
            Err(_) => {
                if let Some(found) = self.lock().module(module) {
                    found.calls.remove(&rid);
                }
                let problem = MethodError::TimedOut(patience);
                self.failed(&name, method, &problem);
                Err(problem)
            }
        }
    }

    /// Sends the call; gives the module's own name, the request id, and where the answer will come.
    fn begin_call(
        &self,
        module: &str,
        method: &str,
        payload: &Value,
    ) -> Result<(Arc<str>, String, oneshot::Receiver<MethodAnswer>), MethodError> {
        let characters = method.chars().count();
        if !(1..=METHOD_NAME_CHARS_MAX).contains(&characters) {
            return Err(MethodError::Name(characters));
        }
        let body = Bytes::from(payload.to_string());
        if body.len() > METHOD_BYTES_MAX {
            return Err(MethodError::Oversize(body.len()));
        }
        let mut state = self.lock();
        let rid = format!("{:x}", state.next_number());
        let found = state
            .module(module)
            .ok_or_else(|| UnknownModule(module.to_owned()))?;
        // A caller that went away has nobody to answer to.
        found.calls.retain(|_, answer| !answer.is_closed());
        if found.calls.len() >= CALLS_MAX {
            return Err(MethodError::Crowded(module.to_owned()));
        }
        let name: Arc<str> = found.credentials.module.as_str().into();
        match found
            .session
            .reply(Family::Methods, || (topic::method(method, &rid), body))
        {
            Ok(()) => {}
            Err(Unsent::NotSubscribed) => {
                return Err(MethodError::NotReachable(module.to_owned()));
            }
            Err(Unsent::Crowded) => return Err(MethodError::Crowded(module.to_owned())),
        }
        let (answer, waiting) = oneshot::channel();
        found.calls.insert(rid.clone(), answer);
        self.log.record(
            Some(&name),
            Event::MethodCalled {
                method: excerpt(method),
                payload: cut(payload),
            },
        );
        Ok((name, rid, waiting))
    }

    fn failed(&self, module: &str, method: &str, problem: &MethodError) {
        self.log.record(
            Some(module),
            Event::MethodFailed {
                method: excerpt(method),
                reason: problem.to_string(),
            },
        );
    }
}
