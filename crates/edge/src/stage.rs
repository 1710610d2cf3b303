//! How far a module came: the stage at which it stopped says what is wrong with it (edge-runtime fact sheet §2).

use serde::Serialize;

use crate::log::{Entry, Event};

/// The farthest stage a module reached, from nothing at all to sending messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It never opened its workload socket.
    NoSocketCall,
    /// It asked the workload API for something, but for no signature.
    NoSignature,
    /// It has a signature and never connected to the hub.
    NoConnection,
    /// It hung up during the TLS handshake.
    TlsRefused,
    /// It tried AMQP, which the environment does not speak.
    AmqpOnly,
    /// It came as far as CONNECT and was refused.
    ConnectRefused,
    /// It is connected and sends nothing.
    Silent,
    /// It sends messages.
    Sending,
}

impl Stage {
    /// The stage of a module, from the log of its run. What happens before a connection has a name counts for every
    /// module of the run.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>, module: &str) -> Self {
        let reached = entries.into_iter().filter_map(|entry| {
            let whose = entry.module.as_deref();
            whose
                .is_none_or(|name| name == module)
                .then(|| reached(&entry.event))
                .flatten()
        });
        reached.max().unwrap_or(Self::NoSocketCall)
    }

    /// What the stage means, and where to look.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoSocketCall => {
                "it never called the workload API: it does not read IOTEDGE_WORKLOADURI, or is no edge module"
            }
            Self::NoSignature => {
                "it asked the workload API, but not to sign: the SDK did not get as far as making a client"
            }
            Self::NoConnection => {
                "it has a signed token and never connected: look at its own log, it may wait for something else"
            }
            Self::TlsRefused => {
                "it hung up during TLS: it does not trust the bundle, or expects another name than IOTEDGE_GATEWAYHOSTNAME"
            }
            Self::AmqpOnly => {
                "it tried AMQP, which is not spoken here: set its transport to MQTT, often ClientTransportType=Mqtt_Tcp_Only"
            }
            Self::ConnectRefused => {
                "the hub refused it: the log says what is wrong with its token or identity"
            }
            Self::Silent => "it is connected and has sent nothing",
            Self::Sending => "it is connected and sends messages",
        }
    }
}

/// The stage that an event proves.
fn reached(event: &Event) -> Option<Stage> {
    Some(match event {
        Event::Workload {
            operation, status, ..
        } => {
            if operation == "sign" && *status == 200 {
                Stage::NoConnection
            } else {
                Stage::NoSignature
            }
        }
        Event::TlsRefused { .. } => Stage::TlsRefused,
        Event::AmqpAttempted { .. } => Stage::AmqpOnly,
        Event::ConnectRefused { .. } => Stage::ConnectRefused,
        Event::Connected { .. } => Stage::Silent,
        Event::Message { .. } => Stage::Sending,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(module: Option<&str>, event: Event) -> Entry {
        Entry {
            number: 1,
            at_us: 0,
            module: module.map(str::to_owned),
            event,
        }
    }

    fn workload(operation: &str, status: u16) -> Event {
        Event::Workload {
            operation: operation.into(),
            status,
            api_version: None,
        }
    }

    #[test]
    fn the_farthest_stage_counts() {
        let mut log = Vec::new();
        assert_eq!(Stage::of(&log, "m"), Stage::NoSocketCall);
        let steps = [
            (workload("trust-bundle", 200), Stage::NoSignature),
            (workload("sign", 404), Stage::NoSignature),
            (workload("sign", 200), Stage::NoConnection),
            (
                Event::AmqpAttempted {
                    asked: "SASL".into(),
                },
                Stage::AmqpOnly,
            ),
            (
                Event::ConnectRefused {
                    code: 5,
                    reason: String::new(),
                },
                Stage::ConnectRefused,
            ),
            (
                Event::TlsRefused {
                    port: 8883,
                    reason: String::new(),
                },
                Stage::ConnectRefused,
            ),
        ];
        for (event, stage) in steps {
            log.push(entry(None, event));
            assert_eq!(Stage::of(&log, "m"), stage);
        }
        log.push(entry(Some("other"), workload("sign", 200)));
        assert_eq!(Stage::of(&log[6..], "m"), Stage::NoSocketCall);
        assert!(!Stage::Silent.advice().is_empty());
    }
}
