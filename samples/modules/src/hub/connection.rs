//! One connection to the hub, from CONNECT to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::actions::Actions;
use super::packet::{self, Packet, Publish};
use super::topic::{self, Incoming};
use super::wire::{Received, Wire};
use super::{token, workload, Shared};
use crate::dial::Dials;
use crate::json::{self, Value};

/// MQTT over TLS, the same port on every device.
const PORT: u16 = 8883;
/// Seconds of silence after which the hub may give up; a sign of life goes out twice as often.
const KEEP_ALIVE_SECONDS: u16 = 60;
const PING_EVERY: Duration = Duration::from_secs(30);
/// A hub that is silent for so long in spite of them is gone.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// How often times are looked at when nothing comes.
const TICK: Duration = Duration::from_secs(5);
/// A complaint that repeats is told so often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// How long the hub may take to admit the module.
const ADMIT_MAX: Duration = Duration::from_secs(30);
/// Number of the one SUBSCRIBE of a connection.
const SUBSCRIBE_ID: u16 = 1;

/// Why a connection ended.
pub enum Ending {
    /// Its token is about to end.
    Renewal,
    /// The module ends.
    Closed,
    Lost(String),
}

/// What a connection goes by while it lasts.
struct Course<'a> {
    shared: &'a Shared,
    wire: &'a Wire,
    actions: &'a Actions,
    dials: &'a Dials,
    requests: u64,
    twin_request: Option<u64>,
    /// What was last complained of about the input, and when.
    complained: Option<(String, Instant)>,
}

/// A connection that the hub has admitted.
pub struct Opened {
    wire: Arc<Wire>,
    /// What came together with the admission: a session that was there before goes on at once.
    received: Vec<u8>,
    renewal: Instant,
}

impl Shared {
    /// Connects with a fresh token.
    pub(super) fn open(&self) -> Result<Opened, String> {
        let environment = &self.environment;
        let bundle = workload::trust_bundle(environment)?;
        let renewal = token::renewal(self.token_life);
        let password = workload::token(environment, token::expires(self.token_life))?;
        let wire = Wire::open(&environment.gateway, PORT, &bundle, TICK)?;
        let (client_id, user) = names(self);
        wire.send(&packet::connect(
            &client_id,
            &user,
            &password,
            KEEP_ALIVE_SECONDS,
        ))?;
        let received = admitted(&wire)?;
        Ok(Opened {
            wire: Arc::new(wire),
            received,
            renewal,
        })
    }

    /// Lives on a connection until it ends.
    pub(super) fn serve(&self, opened: Opened, actions: &Actions, dials: &Dials) -> Ending {
        let wire = Arc::clone(&opened.wire);
        let mut course = Course {
            shared: self,
            wire: &wire,
            actions,
            dials,
            requests: 0,
            twin_request: None,
            complained: None,
        };
        let ending = course.run(opened);
        let mut state = self.lock();
        state.wire = None;
        let closing = state.closing;
        drop(state);
        self.changed.notify_all();
        match ending {
            _ if closing => Ending::Closed,
            Ok(()) => {
                // The hub may have gone in this moment; the next connection will tell.
                let _ = wire.send(&packet::DISCONNECT);
                wire.close();
                Ending::Renewal
            }
            Err(reason) => {
                wire.close();
                Ending::Lost(reason)
            }
        }
    }
}

impl Course<'_> {
    /// Listens, reads the twin, and does what comes. Ends well when the token is about to.
    fn run(&mut self, opened: Opened) -> Result<(), String> {
        let mut received = opened.received;
        let environment = &self.shared.environment;
        let filters = topic::filters(
            &environment.device,
            &environment.module,
            self.actions.has_input(),
        );
        self.wire.send(&packet::subscribe(SUBSCRIBE_ID, &filters))?;
        self.attach(&opened.wire);
        let mut last_heard = Instant::now();
        let mut last_ping = last_heard;
        loop {
            while let Some(packet) = packet::take(&mut received)? {
                self.obey(packet)?;
            }
            match self.wire.receive(&mut received)? {
                Received::Bytes => last_heard = Instant::now(),
                Received::Nothing if last_heard.elapsed() > SILENCE_MAX => {
                    return Err("the hub is silent".to_owned());
                }
                Received::Nothing => {}
                Received::Ended => return Err("the hub closed the connection".to_owned()),
            }
            if last_ping.elapsed() > PING_EVERY {
                self.wire.send(&packet::PING_REQ)?;
                last_ping = Instant::now();
            }
            if Instant::now() >= opened.renewal {
                return Ok(());
            }
        }
    }

    /// From now on messages go out; those that the last connection left go first.
    fn attach(&self, wire: &Arc<Wire>) {
        let mut state = self.shared.lock();
        let dropped = state.outbox.take_dropped();
        if dropped > 0 {
            let what = format!("{dropped} messages were dropped while there was no hub");
            self.shared.log("warning", &what);
        }
        state.outbox.reconnected();
        if state.closing {
            wire.close();
            return;
        }
        state.wire = Some(Arc::clone(wire));
        state.pump();
    }

    fn obey(&mut self, packet: Packet) -> Result<(), String> {
        match packet {
            Packet::Publish(publish) => self.take(&publish),
            Packet::PubAck(id) => {
                let mut state = self.shared.lock();
                state.outbox.acknowledged(id);
                state.pump();
                if state.outbox.is_empty() {
                    self.shared.changed.notify_all();
                }
                Ok(())
            }
            Packet::SubAck(SUBSCRIBE_ID, granted) if granted.iter().all(|code| *code < 0x80) => {
                let request = self.request();
                self.twin_request = Some(request);
                self.wire.send(&packet::publish(
                    &topic::twin_get(request),
                    b"",
                    None,
                    false,
                ))
            }
            Packet::SubAck(..) => Err("the hub refused a subscription".to_owned()),
            Packet::PingResp => Ok(()),
            Packet::ConnAck { .. } => Err("the hub admitted the module twice".to_owned()),
        }
    }

    fn take(&mut self, publish: &Publish) -> Result<(), String> {
        let environment = &self.shared.environment;
        match topic::read(&publish.topic, &environment.device, &environment.module) {
            Some(Incoming::Input(input)) => {
                // A message that is of no use is told and done with: it would come again for ever.
                if let Err(why) = self.actions.take(input, &publish.payload) {
                    self.complain(format!("input {input}: {why}"));
                }
            }
            Some(Incoming::Method(name, request)) => {
                let (status, body) = self.actions.call(name, &publish.payload);
                let answer = topic::method_answer(status, request);
                self.wire
                    .send(&packet::publish(&answer, body.as_bytes(), None, false))?;
            }
            Some(Incoming::Desired) => {
                self.turn(&publish.payload, "a change of desired properties")?
            }
            Some(Incoming::TwinAnswer(status, request)) => {
                self.twin_answered(status, request, &publish.payload)?
            }
            None => self.shared.log(
                "warning",
                &format!("nothing is known of the topic {}", publish.topic),
            ),
        }
        match publish.id {
            Some(id) => self.wire.send(&packet::pub_ack(id)),
            None => Ok(()),
        }
    }

    /// The same complaint over and over is told once a minute.
    fn complain(&mut self, what: String) {
        let known = self
            .complained
            .as_ref()
            .is_some_and(|(last, at)| *last == what && at.elapsed() < COMPLAIN_EVERY);
        if !known {
            self.shared.log("warning", &what);
            self.complained = Some((what, Instant::now()));
        }
    }

    fn twin_answered(&mut self, status: u16, request: &str, payload: &[u8]) -> Result<(), String> {
        let is_get = self
            .twin_request
            .is_some_and(|known| known.to_string() == request);
        match (is_get, status) {
            (true, 200) => self.turn(payload, "the twin"),
            (_, 200..=299) => Ok(()),
            (_, other) => {
                let text = String::from_utf8_lossy(payload);
                self.shared.log(
                    "warning",
                    &format!("the hub answered {other} about the twin: {text}"),
                );
                Ok(())
            }
        }
    }

    /// Turns the dials as desired, and reports how they stand.
    fn turn(&mut self, payload: &[u8], what: &str) -> Result<(), String> {
        let text = String::from_utf8_lossy(payload);
        let value = match json::parse(&text) {
            Ok(value) => value,
            Err(why) => {
                self.shared
                    .log("warning", &format!("{what} is not understood: {why}"));
                return Ok(());
            }
        };
        let desired = match value.member("desired") {
            Some(desired @ Value::Object(_)) => desired,
            _ => &value,
        };
        let (report, refused) = self.dials.turn(desired);
        for why in refused {
            self.shared
                .log("warning", &format!("desired properties: {why}"));
        }
        let request = self.request();
        self.wire.send(&packet::publish(
            &topic::report(request),
            report.as_bytes(),
            None,
            false,
        ))
    }

    fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }
}

/// Client identifier and user name.
fn names(shared: &Shared) -> (String, String) {
    let environment = &shared.environment;
    let (device, module) = (&environment.device, &environment.module);
    let user = format!(
        "{}/{device}/{module}/?api-version=2021-04-12&DeviceClientType={}",
        environment.hub,
        super::text::percent(&shared.client_type),
    );
    (format!("{device}/{module}"), user)
}

/// Waits until the hub admits the module; gives what came with its answer.
fn admitted(wire: &Wire) -> Result<Vec<u8>, String> {
    let until = Instant::now() + ADMIT_MAX;
    let mut received = Vec::new();
    while Instant::now() < until {
        if let Received::Ended = wire.receive(&mut received)? {
            return Err("the hub closed the connection instead of admitting the module".to_owned());
        }
        match packet::take(&mut received)? {
            Some(Packet::ConnAck { code: 0, .. }) => return Ok(received),
            Some(Packet::ConnAck { code, .. }) => {
                return Err(format!("the hub refused the module with code {code}"));
            }
            Some(_) => return Err("the hub began with something else than an admission".to_owned()),
            None => {}
        }
    }
    Err("the hub did not answer".to_owned())
}
