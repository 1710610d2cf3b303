//! The edge hub of a run: connections and sessions of the modules, their twins, methods and messages.
//!
//! [`Hub`] is the state, and takes packets and gives packets without a socket; `connection` drives one connection of
//! it, `server` listens. Sessions outlive connections and outages, because the SDKs never subscribe again
//! (edge-runtime fact sheet §2). Left out: leaf devices, C2D messages, nested hubs, and storage on disk.

mod act;
mod admit;
mod connection;
mod invoke;
pub(crate) mod listen;
mod receive;
mod server;
mod session;
mod transport;
mod username;
mod web;

pub use act::{InputError, METHOD_NAME_CHARS_MAX, MethodAnswer, MethodError, UnknownModule};
pub use admit::{Connection, Refused};
pub use connection::{CONNECT_SECONDS_MAX, KEEP_ALIVE_SECONDS_MAX};
pub use listen::Place;
pub use receive::Closing;
pub use server::{CONNECTIONS_MAX, HubServer, Ports, ServerError};
pub use session::{INFLIGHT_MAX, QUEUE_BYTES_MAX, QUEUE_MAX};

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::identity::Device;
use crate::log::EventLog;
use crate::routing::Router;
use crate::twin::Twin;
use crate::workload::Credentials;
use session::Session;

/// The state of a hub, shared by all its connections.
pub struct Hub {
    device: Arc<Device>,
    log: EventLog,
    clock: fn() -> Timestamp,
    state: Mutex<State>,
}

struct State {
    /// By module id in lower case: the hub compares ids without regard to case.
    modules: BTreeMap<String, Module>,
    router: Router,
    /// Numbers connections and method calls.
    number: u64,
}

/// One module as the hub knows it.
struct Module {
    credentials: Arc<Credentials>,
    twin: Twin,
    session: Session,
    calls: HashMap<String, oneshot::Sender<MethodAnswer>>,
}

impl Hub {
    /// A hub without modules; `clock` tells whether a token is over.
    pub fn new(
        device: Arc<Device>,
        router: Router,
        log: EventLog,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            device,
            log,
            clock,
            state: Mutex::new(State {
                modules: BTreeMap::new(),
                router,
                number: 0,
            }),
        }
    }

    /// Registers a module; one of the same id is replaced, its connection ends.
    pub fn add_module(&self, credentials: Arc<Credentials>, twin: Twin) {
        let key = credentials.module.to_ascii_lowercase();
        let module = Module {
            credentials,
            twin,
            session: Session::default(),
            calls: HashMap::new(),
        };
        let replaced = self.lock().modules.insert(key, module);
        if let Some(mut replaced) = replaced {
            replaced.session.detach();
        }
    }

    /// Replaces all routes.
    pub fn set_routes(&self, router: Router) {
        self.lock().router = router;
    }

    /// The event log.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// The device the hub belongs to.
    pub fn device(&self) -> &Device {
        &self.device
    }

    fn now_seconds(&self) -> u64 {
        u64::try_from((self.clock)().as_second()).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the maps whole; the hub goes on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn module(&mut self, name: &str) -> Option<&mut Module> {
        self.modules.get_mut(&name.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests;
