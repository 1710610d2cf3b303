//! The module as a module of IoT Edge: it asks the workload API for trust and a token, keeps a connection to the edge
//! hub over MQTT and TLS, sends messages to outputs, takes messages from inputs, follows its twin and answers methods.
//!
//! One thread connects, reads and comes back after an outage; whoever sends puts a message into a bounded queue and
//! goes on. A message stays queued until the hub acknowledges it. Left out: QoS 2, WebSockets, AMQP, file upload,
//! calls to other modules.

mod actions;
mod connection;
mod environment;
mod outbox;
mod packet;
mod text;
mod token;
mod topic;
mod wire;
mod workload;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use actions::Actions;
use connection::Ending;
use environment::Environment;
use outbox::Outbox;
use wire::Wire;

use crate::context;
use crate::dial::Dials;

/// Pause after a first failure; it doubles up to the last one. Some dozens of modules share a gateway, not thousands:
/// spreading their returns by chance is not needed.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LAST: Duration = Duration::from_secs(10);
/// How long what waits may hold up an end.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// The connection of the module; cheap to share.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    module: &'static str,
    environment: Environment,
    /// What the module says of itself: program, version, and the offer and plan it was bought as.
    client_type: String,
    token_life: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    outbox: Outbox,
    /// The connection, once the hub has admitted the module.
    wire: Option<Arc<Wire>>,
    closing: bool,
}

impl Hub {
    /// The connection there will be; None where there is no IoT Edge. Messages may be sent at once and wait.
    pub fn find(
        module: &'static str,
        token_life: Duration,
        messages_max: usize,
    ) -> Result<Option<Hub>, String> {
        let Some(environment) = Environment::read()? else {
            return Ok(None);
        };
        let mut client_type = format!("edge-samples/{}", context::version());
        if let Some(product) = std::env::var("PRODUCT_INFO")
            .ok()
            .filter(|product| !product.is_empty())
        {
            client_type = format!("{client_type} {product}");
        }
        let state = State {
            outbox: Outbox::new(&environment.device, &environment.module, messages_max),
            wire: None,
            closing: false,
        };
        Ok(Some(Hub {
            shared: Arc::new(Shared {
                module,
                environment,
                client_type,
                token_life,
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        }))
    }

    /// Connects, and stays connected, on a thread of its own.
    pub fn start(&self, actions: Actions, dials: Dials) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        std::thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || shared.run(&actions, &dials))
            .map(|_| ())
            .map_err(|e| format!("cannot start the thread of the hub: {e}"))
    }

    /// Puts a message to an output on its way; never waits for the network.
    pub fn send(&self, output: &str, body: &str) {
        let mut state = self.shared.lock();
        state.outbox.push(output, body);
        state.pump();
    }

    /// Sends what waits, as far as that goes quickly, and says goodbye.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.changed.notify_all();
        let until = Instant::now() + GOODBYE_MAX;
        while state.wire.is_some() && !state.outbox.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(wire) = state.wire.take() {
            // A hub that is gone needs no goodbye.
            let _ = wire.send(&packet::DISCONNECT);
            wire.close();
        }
    }
}

impl State {
    /// Hands over to the connection what it may carry. A connection that fails is closed, which wakes its reader.
    fn pump(&mut self) {
        let Some(wire) = &self.wire else {
            return;
        };
        while let Some(bytes) = self.outbox.next() {
            if wire.send(&bytes).is_err() {
                wire.close();
                self.wire = None;
                return;
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, actions: &Actions, dials: &Dials) {
        let mut pause = PAUSE_FIRST;
        let mut told = String::new();
        loop {
            let (reason, was_open) = match self.open() {
                Ok(opened) => {
                    told.clear();
                    self.log(
                        "info",
                        &format!("connected to {}", self.environment.gateway),
                    );
                    match self.serve(opened, actions, dials) {
                        Ending::Renewal => continue,
                        Ending::Closed => return,
                        Ending::Lost(reason) => (reason, true),
                    }
                }
                Err(reason) => (reason, false),
            };
            // An outage is told once, not with every try.
            if reason != told {
                self.log("warning", &format!("no hub: {reason}; trying again"));
                told = reason;
            }
            pause = if was_open {
                PAUSE_FIRST
            } else {
                (pause * 2).min(PAUSE_LAST)
            };
            if self.rest(pause) {
                return;
            }
        }
    }

    /// Waits; true when the module ends.
    fn rest(&self, pause: Duration) -> bool {
        let state = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(state, pause, |state| !state.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    fn log(&self, level: &str, message: &str) {
        context::log_line(self.module, level, message);
    }
}
