//! The packets of MQTT 3.1.1 that an edge hub and its modules exchange (standard, chapter 3).

use bytes::Bytes;

/// A control packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// §3.1, the first packet of a client.
    Connect(Box<Connect>),
    /// §3.2
    ConnAck {
        /// The hub still has the session.
        session_present: bool,
        /// Accepted or refused.
        code: ConnectCode,
    },
    /// §3.3
    Publish(Publish),
    /// §3.4, with the packet identifier it answers.
    PubAck(u16),
    /// §3.8
    Subscribe {
        /// Packet identifier.
        id: u16,
        /// Filters and the QoS asked for.
        filters: Vec<(String, Qos)>,
    },
    /// §3.9
    SubAck {
        /// Packet identifier of the SUBSCRIBE.
        id: u16,
        /// Granted QoS for each filter, `None` for a refused one.
        granted: Vec<Option<Qos>>,
    },
    /// §3.10
    Unsubscribe {
        /// Packet identifier.
        id: u16,
        /// Filters.
        filters: Vec<String>,
    },
    /// §3.11
    UnsubAck(u16),
    /// §3.12
    PingReq,
    /// §3.13
    PingResp,
    /// §3.14
    Disconnect,
}

impl Packet {
    /// The packet's name in the standard.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "CONNECT",
            Self::ConnAck { .. } => "CONNACK",
            Self::Publish(_) => "PUBLISH",
            Self::PubAck(_) => "PUBACK",
            Self::Subscribe { .. } => "SUBSCRIBE",
            Self::SubAck { .. } => "SUBACK",
            Self::Unsubscribe { .. } => "UNSUBSCRIBE",
            Self::UnsubAck(_) => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
        }
    }
}

/// What a client says when it connects (§3.1). Printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Client identifier; `{device}/{module}` for a module.
    pub client_id: String,
    /// Whether the hub shall forget an earlier session.
    pub clean_session: bool,
    /// Longest silence in seconds; 0 switches the watch off.
    pub keep_alive_seconds: u16,
    /// User name, if sent.
    pub username: Option<String>,
    /// Password, if sent; a SAS token for a module.
    pub password: Option<Bytes>,
    /// Will message, if sent.
    pub will: Option<Will>,
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("clean_session", &self.clean_session)
            .field("keep_alive_seconds", &self.keep_alive_seconds)
            .field("username", &self.username)
            .field("will", &self.will)
            .finish_non_exhaustive()
    }
}

/// A will (§3.1.2.5); an edge hub takes it and publishes it to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// QoS.
    pub qos: Qos,
    /// Retain flag.
    pub retain: bool,
}

/// An application message (§3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Sent before with the same packet identifier.
    pub duplicate: bool,
    /// How surely it is delivered.
    pub qos: Qos,
    /// Retain flag.
    pub retain: bool,
    /// Topic without wildcards.
    pub topic: String,
    /// Packet identifier, present when `qos` is [`Qos::AtLeastOnce`].
    pub id: Option<u16>,
    /// Payload.
    pub payload: Bytes,
}

/// Quality of service; QoS 2 is not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// QoS 0
    AtMostOnce,
    /// QoS 1
    AtLeastOnce,
}

impl Qos {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
        }
    }
}

/// Return code of CONNACK (§3.2.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectCode {
    /// 0
    Accepted,
    /// 1
    UnacceptableProtocol,
    /// 2
    IdentifierRejected,
    /// 3
    ServerUnavailable,
    /// 4
    BadUserNameOrPassword,
    /// 5
    NotAuthorized,
}

impl ConnectCode {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::UnacceptableProtocol => 1,
            Self::IdentifierRejected => 2,
            Self::ServerUnavailable => 3,
            Self::BadUserNameOrPassword => 4,
            Self::NotAuthorized => 5,
        }
    }

    /// The code of a number on the wire.
    pub(super) fn of(number: u8) -> Option<Self> {
        const ALL: [ConnectCode; 6] = [
            ConnectCode::Accepted,
            ConnectCode::UnacceptableProtocol,
            ConnectCode::IdentifierRejected,
            ConnectCode::ServerUnavailable,
            ConnectCode::BadUserNameOrPassword,
            ConnectCode::NotAuthorized,
        ];
        ALL.into_iter().find(|code| code.number() == number)
    }
}
