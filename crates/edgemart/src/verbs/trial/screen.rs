//! Where the events of a run go, each once: lines for people, or JSON for programs.

use edge::log::Entry;

use super::view;
use crate::verbs::failure::{Exit, Failure};
use crate::verbs::output::{Format, put};

/// Stdout, for events.
pub(crate) struct Screen {
    format: Format,
    /// Number of the last event shown.
    shown: u64,
}

impl Screen {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, shown: 0 }
    }

    pub(crate) fn show(&mut self, entry: &Entry) -> Result<(), Failure> {
        if entry.number <= self.shown {
            return Ok(());
        }
        self.shown = entry.number;
        match self.format {
            Format::Table => put(&view::line(entry)),
            Format::Json | Format::Yaml => {
                let line = serde_json::to_string(entry).map_err(|e| {
                    Failure::new(Exit::Failure, "an event cannot be written").why(e)
                })?;
                put(&format!("{line}\n"))
            }
        }
    }
}
