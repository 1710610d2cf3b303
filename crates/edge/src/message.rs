//! A message on its way through the hub.

use bytes::Bytes;

use crate::topic::Properties;

/// Largest message: payload and properties together.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// A message and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it comes from.
    pub source: Source,
    /// Its properties.
    pub properties: Properties,
    /// Its payload.
    pub payload: Bytes,
}

/// What routes know as the source of a message (edge-runtime fact sheet §1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `/messages/modules/{module}/outputs/{output}`, or without an output.
    Module {
        /// Module id.
        module: String,
        /// Output, if the message names one.
        output: Option<String>,
    },
    /// `/twinChangeNotifications`
    TwinChange,
}

impl Source {
    /// Segments of the path that routes compare with.
    pub fn segments(&self) -> Vec<&str> {
        match self {
            Self::TwinChange => vec!["twinChangeNotifications"],
            Self::Module { module, output } => {
                let mut segments = vec!["messages", "modules", module.as_str()];
                if let Some(output) = output {
                    segments.extend(["outputs", output.as_str()]);
                }
                segments
            }
        }
    }
}

impl Message {
    /// Payload and properties together, as the limit counts them.
    pub fn bytes(&self) -> usize {
        self.payload.len() + self.properties.bytes()
    }
}
