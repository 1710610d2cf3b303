//! What the hub does with a packet of a module, and what it has to say to one.

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::session::{Unsent, Waiting};
use super::{Connection, Hub, InputError, MethodAnswer, State};
use crate::log::{Event, Reading, cut, cut_properties, excerpt};
use crate::message::{MESSAGE_BYTES_MAX, Message, Source};
use crate::mqtt::{Packet, Publish, Qos, TEXT_BYTES_MAX, encode};
use crate::routing::{Delivery, Endpoint};
use crate::topic::{self, Family, FromModule, Properties};
use crate::twin;

/// Bytes that are put before a module at once, before it is looked at again.
pub(super) const BATCH_BYTES_MAX: usize = 128 * 1024;

/// Why a connection is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closing {
    /// The module said DISCONNECT.
    #[error("DISCONNECT")]
    Clean,
    /// A later connection of the same module took over.
    #[error("another connection of this module took over")]
    Superseded,
    /// A packet that a module does not send here, or that breaks a limit.
    #[error("{0}")]
    Protocol(String),
}

impl Hub {
    /// Takes a packet; answers are appended to `out`.
    ///
    /// # Errors
    /// The connection is to be closed.
    pub fn receive(
        &self,
        connection: &Connection,
        packet: Packet,
        out: &mut BytesMut,
    ) -> Result<(), Closing> {
        let mut state = self.lock();
        let served = state
            .module(&connection.module)
            .is_some_and(|module| module.session.is_served_by(connection.number));
        if !served {
            return Err(Closing::Superseded);
        }
        match packet {
            Packet::Publish(publish) => self.published(&mut state, connection, publish, out),
            Packet::PubAck(id) => {
                self.acknowledged(&mut state, connection, id);
                Ok(())
            }
            Packet::Subscribe { id, filters } => {
                let granted = filters
                    .iter()
                    .map(|(filter, qos)| self.subscribe(&mut state, connection, filter, *qos))
                    .collect();
                encode(&Packet::SubAck { id, granted }, out);
                Ok(())
            }
            Packet::Unsubscribe { id, filters } => {
                for filter in filters {
                    if let Some(module) = state.module(&connection.module) {
                        module.session.unsubscribe(&filter);
                    }
                    let filter = excerpt(&filter);
                    self.log
                        .record(Some(&connection.module), Event::Unsubscribed { filter });
                }
                encode(&Packet::UnsubAck(id), out);
                Ok(())
            }
            Packet::PingReq => {
                encode(&Packet::PingResp, out);
                Ok(())
            }
            Packet::Disconnect => Err(Closing::Clean),
            other => Err(Closing::Protocol(format!(
                "{} on an open connection; a module does not send it there",
                other.name()
            ))),
        }
    }

    /// Appends to `out` what waits for the module, up to a batch.
    ///
    /// # Errors
    /// Another connection serves the module now.
    pub fn drain(&self, connection: &Connection, out: &mut BytesMut) -> Result<(), Closing> {
        let mut state = self.lock();
        let module = state
            .module(&connection.module)
            .filter(|module| module.session.is_served_by(connection.number))
            .ok_or(Closing::Superseded)?;
        while out.len() < BATCH_BYTES_MAX {
            let Some((publish, input)) = module.session.next() else {
                return Ok(());
            };
            if let Some(input) = input {
                let event = Event::InputSent {
                    input,
                    body: Reading::of(&publish.payload),
                };
                self.log.record(Some(&connection.module), event);
            }
            encode(&Packet::Publish(publish), out);
        }
        Ok(())
    }

    fn published(
        &self,
        state: &mut State,
        connection: &Connection,
        publish: Publish,
        out: &mut BytesMut,
    ) -> Result<(), Closing> {
        let name = &connection.module;
        let parsed = topic::from_module(&publish.topic, &self.device.device, name)
            .map_err(|problem| Closing::Protocol(problem.to_string()))?;
        if let FromModule::Message(properties) = &parsed {
            let found = publish.payload.len() + properties.bytes();
            if found > MESSAGE_BYTES_MAX {
                return Err(Closing::Protocol(format!(
                    "a message of {found} bytes with its properties; at most {MESSAGE_BYTES_MAX} are taken"
                )));
            }
        }
        // As on the device: acknowledged once taken, before any routing.
        if let Some(id) = publish.id {
            encode(&Packet::PubAck(id), out);
        }
        match parsed {
            FromModule::Message(properties) => {
                self.message(state, name, properties, publish.payload);
            }
            FromModule::TwinGet { rid } => self.twin_read(state, name, rid),
            FromModule::Reported { rid } => self.reported(state, name, rid, &publish.payload),
            FromModule::MethodAnswer { status, rid } => {
                self.method_answered(state, name, rid, status, publish.payload);
            }
        }
        Ok(())
    }

    fn message(&self, state: &mut State, name: &str, properties: Properties, payload: Bytes) {
        let output = properties.output().map(str::to_owned);
        self.log.record_with(
            Some(name),
            "message",
            output.as_deref().unwrap_or_default(),
            || Event::Message {
                output: output.as_deref().map(excerpt),
                body: Reading::of(&payload),
                properties: cut_properties(&properties.application),
                system: cut_properties(&properties.system),
            },
        );
        let source = Source::Module {
            module: name.to_owned(),
            output,
        };
        let properties = properties
            .with_system("connectionDeviceId", &self.device.device)
            .with_system("connectionModuleId", name);
        self.route(
            state,
            name,
            Message {
                source,
                properties,
                payload,
            },
        );
    }

    /// Sends a message where the routes lead.
    fn route(&self, state: &mut State, from: &str, message: Message) {
        let deliveries = state.router.deliveries(&message);
        let is_change = message.source == Source::TwinChange;
        if deliveries.is_empty() && !is_change {
            let output = message.properties.output().map(excerpt);
            self.log.record(Some(from), Event::NotRouted { output });
        }
        let mut message = message;
        let kept = |delivery: &Delivery| matches!(delivery.to, Endpoint::Input { .. });
        if deliveries.iter().any(kept) {
            // A copy of its own: what waits must not hold on to everything that was read with it.
            message.payload = Bytes::copy_from_slice(&message.payload);
        }
        for delivery in deliveries {
            let to = match &delivery.to {
                Endpoint::Upstream => "$upstream".to_owned(),
                Endpoint::Input { module, input } => format!("{module}/{input}"),
            };
            self.log
                .record_with(Some(from), "routed", &to, || Event::Routed {
                    route: delivery.route.clone(),
                    to: to.clone(),
                });
            if let Endpoint::Input { module, input } = &delivery.to {
                // What it cannot take is in the log; the sender has its acknowledgement.
                let _ = self.queue_input(state, module, input, &message);
            }
        }
    }

    /// Lets a message wait before an input; what goes to a module that is not part of the run is let go.
    pub(super) fn queue_input(
        &self,
        state: &mut State,
        to: &str,
        input: &str,
        message: &Message,
    ) -> Result<(), InputError> {
        let Some(module) = state.module(to) else {
            return Ok(());
        };
        let mut properties = message.properties.clone();
        properties.system.remove("outputName");
        let name = module.credentials.module.clone();
        let topic = topic::input(&self.device.device, &name, input, &properties);
        let taken = if topic.len() > TEXT_BYTES_MAX {
            Err(InputError::Topic(topic.len()))
        } else if module.session.push(Waiting {
            input: input.to_owned(),
            topic,
            payload: message.payload.clone(),
            sent_as: None,
        }) {
            Ok(())
        } else {
            Err(InputError::Crowded(name.clone()))
        };
        if let Err(problem) = &taken {
            let (input, reason) = (input.to_owned(), problem.to_string());
            self.log
                .record(Some(&name), Event::InputDropped { input, reason });
        }
        taken
    }

    fn twin_read(&self, state: &mut State, name: &str, rid: &str) {
        let Some(module) = state.module(name) else {
            return;
        };
        let twin = &module.twin;
        let sent = module.session.reply(Family::TwinAnswers, || {
            let document = Bytes::from(twin.document().to_string());
            (topic::twin_answer(200, rid, None), document)
        });
        let subscribed = sent != Err(Unsent::NotSubscribed);
        self.log.record(Some(name), Event::TwinRead { subscribed });
        self.note_unsent(name, Family::TwinAnswers, sent);
    }

    /// Records what a module does not get because it does not take what waits already; true when it gets it.
    pub(super) fn note_unsent(&self, name: &str, family: Family, sent: Result<(), Unsent>) -> bool {
        if sent == Err(Unsent::Crowded) {
            let family = family.to_string();
            self.log.record(Some(name), Event::ReplyDropped { family });
        }
        sent.is_ok()
    }

    fn reported(&self, state: &mut State, name: &str, rid: &str, patch: &Bytes) {
        let Some(module) = state.module(name) else {
            return;
        };
        match module.twin.report(patch) {
            Ok(version) => {
                let sent = module.session.reply(Family::TwinAnswers, || {
                    (topic::twin_answer(204, rid, Some(version)), Bytes::new())
                });
                self.note_unsent(name, Family::TwinAnswers, sent);
                self.log
                    .record_with(Some(name), "reported", "", || Event::Reported {
                        patch: twin::object(patch)
                            .map(|patch| cut(&Value::Object(patch)))
                            .unwrap_or_default(),
                        version,
                    });
                self.twin_changed(state, name, patch.clone());
            }
            Err(problem) => {
                let reason = problem.to_string();
                let sent = module.session.reply(Family::TwinAnswers, || {
                    let body = serde_json::json!({"message": reason});
                    (
                        topic::twin_answer(400, rid, None),
                        Bytes::from(body.to_string()),
                    )
                });
                self.note_unsent(name, Family::TwinAnswers, sent);
                self.log
                    .record(Some(name), Event::ReportedRefused { reason });
            }
        }
    }

    /// What a module reports is also a message of its own source: the patch as it came, without a content type, so that
    /// conditions on its body are undefined. A device routes no changes of desired properties.
    fn twin_changed(&self, state: &mut State, name: &str, patch: Bytes) {
        let properties = Properties::default()
            .with_system("messageType", "twinChangeNotification")
            .with_system("messageSchema", "twinChangeNotification")
            .with_system("connectionDeviceId", &self.device.device)
            .with_system("connectionModuleId", name);
        let message = Message {
            source: Source::TwinChange,
            properties,
            payload: patch,
        };
        self.route(state, name, message);
    }

    fn method_answered(
        &self,
        state: &mut State,
        name: &str,
        rid: &str,
        status: i64,
        payload: Bytes,
    ) {
        let call = state
            .module(name)
            .and_then(|module| module.calls.remove(rid));
        let stray = match call {
            Some(call) => call.send(MethodAnswer { status, payload }).is_err(),
            None => true,
        };
        if stray {
            let rid = excerpt(rid);
            self.log.record(Some(name), Event::MethodStray { rid });
        }
    }

    fn acknowledged(&self, state: &mut State, connection: &Connection, id: u16) {
        let Some(module) = state.module(&connection.module) else {
            return;
        };
        if let Some(input) = module.session.acknowledge(id) {
            self.log
                .record(Some(&connection.module), Event::InputTaken { input });
            module.session.wake();
        }
    }

    fn subscribe(
        &self,
        state: &mut State,
        connection: &Connection,
        filter: &str,
        qos: Qos,
    ) -> Option<Qos> {
        let name = &connection.module;
        let family = Family::of_filter(filter, &self.device.device, name);
        let taken = family
            .zip(state.module(name))
            .is_some_and(|(family, module)| {
                module.session.wake();
                module.session.subscribe(filter, family, qos)
            });
        let granted = taken.then_some(qos);
        self.log.record(
            Some(name),
            Event::Subscribed {
                filter: excerpt(filter),
                granted: granted.map(Qos::number),
            },
        );
        granted
    }
}
