//! Why bytes are no packet, with the rule of the standard that says so.

/// A packet that breaks MQTT 3.1.1 or a limit; the connection it came on must be closed (§4.8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MqttError {
    /// The remaining length has more than four bytes (§2.2.3).
    #[error("remaining length runs over four bytes [MQTT-2.2.3]; send a length below 268435456")]
    RemainingLength,
    /// The packet is larger than this hub takes.
    #[error("a packet of {found} bytes; this hub takes at most {limit}: send smaller messages")]
    Oversize {
        /// Bytes announced.
        found: usize,
        /// Bytes taken.
        limit: usize,
    },
    /// A packet type that does not exist, or belongs to QoS 2.
    #[error("packet type {0} is not spoken by an edge hub; QoS 0 and 1 of MQTT 3.1.1 are")]
    Type(u8),
    /// Reserved flags of the fixed header are set (§2.2.2).
    #[error("{packet} with flags {flags:#06b} [MQTT-2.2.2-2]; its flags are reserved")]
    Flags {
        /// Packet name.
        packet: &'static str,
        /// Flags found.
        flags: u8,
    },
    /// The packet ends before its fields do.
    #[error("{packet} ends inside its {field}")]
    Short {
        /// Packet name.
        packet: &'static str,
        /// Field that was being read.
        field: &'static str,
    },
    /// Bytes after the last field.
    #[error("{packet} has {bytes} byte(s) after its last field")]
    Trailing {
        /// Packet name.
        packet: &'static str,
        /// How many.
        bytes: usize,
    },
    /// Text that is not UTF-8, or holds U+0000 (§1.5.3).
    #[error("the {field} of {packet} is not UTF-8 or holds U+0000 [MQTT-1.5.3]")]
    Text {
        /// Packet name.
        packet: &'static str,
        /// Field that was being read.
        field: &'static str,
    },
    /// Another protocol name than `MQTT` (§3.1.2.1).
    #[error("protocol name {0:?} [MQTT-3.1.2-1]; MQTT 3.1.1 says \"MQTT\"")]
    ProtocolName(String),
    /// Another protocol level than 4 (§3.1.2.2); answered with CONNACK 1.
    #[error("protocol level {0} [MQTT-3.1.2-2]; MQTT 3.1.1 is level 4")]
    ProtocolLevel(u8),
    /// A QoS that is not spoken.
    #[error("QoS {qos} in {packet}; an edge hub speaks QoS 0 and 1")]
    Qos {
        /// Packet name.
        packet: &'static str,
        /// QoS found.
        qos: u8,
    },
    /// A packet identifier of zero (§2.3.1).
    #[error("{0} with packet identifier 0 [MQTT-2.3.1-1]")]
    PacketId(&'static str),
    /// A topic to publish to is empty or holds a wildcard (§3.3.2).
    #[error("cannot publish to topic {0:?}: it is empty or holds a wildcard [MQTT-3.3.2-2]")]
    Topic(String),
    /// A filter breaks §4.7.1.
    #[error("topic filter {0:?} is empty or has a wildcard inside a level [MQTT-4.7.1]")]
    Filter(String),
    /// SUBSCRIBE or UNSUBSCRIBE with no filter or too many.
    #[error("{packet} with {found} filters; 1 to {limit} are taken")]
    Filters {
        /// Packet name.
        packet: &'static str,
        /// Filters found.
        found: usize,
        /// Filters taken.
        limit: usize,
    },
    /// A flag or code that the standard leaves no room for.
    #[error("{packet} with {field} {found}, which the standard does not know")]
    Value {
        /// Packet name.
        packet: &'static str,
        /// Field.
        field: &'static str,
        /// Value.
        found: u8,
    },
}
