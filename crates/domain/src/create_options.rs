//! createOptions: the body of Docker's ContainerCreate that a module is started with, as JSON text
//! (domain fact sheet §12.6).
//!
//! Here: reading the text, the pieces it is split into for the twin ([`chunks`]), the host ports it takes, what it
//! asks of the host beyond a plain container ([`Privilege`]), and habits worth a word ([`lint`]). Keys are compared
//! without regard to case, as the agent and the engine do, so a rule cannot be dodged by spelling.
//! Left out: judging privileges, which certification does.

pub mod chunks;
mod confine;
mod lint;
mod ports;
mod privilege;

use serde_json::{Map, Value};

pub use confine::Confined;
pub use lint::{Remark, lint};
pub use ports::{EDGE_HUB_PORTS, HOST_PORTS_MAX, HostPort, PortProblem};
pub use privilege::{Privilege, PrivilegeKind};

/// Longest createOptions in bytes: the whole twin section they live in holds no more (domain fact sheet §12.7).
pub const CREATE_OPTIONS_BYTES_MAX: usize = 32 * 1024;

/// createOptions that are a JSON object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateOptions {
    members: Map<String, Value>,
}

/// Why a text is no createOptions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("createOptions, line {line} column {column}: {what}\n{caret}")]
pub struct CreateOptionsError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
    /// The line with a caret under the place.
    pub caret: String,
}

impl CreateOptions {
    /// Reads createOptions; the empty text means `{}`.
    ///
    /// # Errors
    /// The text is no JSON object, or longer than [`CREATE_OPTIONS_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Self, CreateOptionsError> {
        if text.len() > CREATE_OPTIONS_BYTES_MAX {
            return Err(CreateOptionsError {
                line: 1,
                column: 1,
                what: format!(
                    "{} bytes, at most {CREATE_OPTIONS_BYTES_MAX} fit the twin; shorten it",
                    text.len()
                ),
                caret: String::new(),
            });
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(members)) => Ok(Self { members }),
            Ok(other) => Err(located(
                text,
                1,
                1,
                format!(
                    "a JSON object such as {{\"HostConfig\":{{…}}}} is wanted, found {}",
                    crate::defaults::kind_of(&other)
                ),
            )),
            Err(problem) => {
                let what = problem.to_string();
                let what = what.split(" at line ").next().unwrap_or(&what).to_owned();
                Err(located(text, problem.line(), problem.column(), what))
            }
        }
    }

    /// createOptions given as a JSON object, as templates have them.
    pub fn from_members(members: Map<String, Value>) -> Self {
        Self { members }
    }

    /// The members, in their order.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The text without blanks between tokens.
    pub fn to_text(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }

    /// How much memory the module may take at most, in bytes: `HostConfig.Memory`. `None` where no limit is set, which
    /// the engine also reads out of 0. The smallest counts when the name stands there in several spellings.
    pub fn memory_bytes_max(&self) -> Option<u64> {
        let limits = host_config(&self.members, "Memory");
        let limits = limits.iter().filter_map(|(_, limit)| limit.as_u64());
        limits.filter(|limit| *limit > 0).min()
    }

    /// Ports of the host that the module would take, and bindings that name none.
    pub fn host_ports(&self) -> (Vec<HostPort>, Vec<PortProblem>) {
        ports::host_ports(&self.members)
    }

    /// What the module asks of the host beyond a plain container.
    pub fn privileges(&self) -> Vec<Privilege> {
        privilege::privileges(&self.members)
    }
}

fn located(text: &str, line: usize, column: usize, what: String) -> CreateOptionsError {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // The JSON reader counts bytes; people count characters.
    let before = shown
        .get(..column.saturating_sub(1).min(shown.len()))
        .unwrap_or(shown);
    let column = before.chars().count() + 1;
    // A one-line createOptions can be long; forty characters either side show the place.
    let start = column.saturating_sub(41);
    let window: String = shown.chars().skip(start).take(80).collect();
    let caret = format!("{window}\n{}^", " ".repeat(column - 1 - start));
    CreateOptionsError {
        line: line.max(1),
        column,
        what,
        caret,
    }
}

/// Every member of that name, whatever its case, with its pointer.
fn members_named<'v>(
    members: &'v Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Vec<(String, &'v Value)> {
    members
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(key, value)| (format!("{pointer}/{}", escape(key)), value))
        .collect()
}

/// The members named, of every `HostConfig` there is.
fn host_config<'v>(members: &'v Map<String, Value>, name: &str) -> Vec<(String, &'v Value)> {
    members_named(members, "HostConfig", "")
        .into_iter()
        .filter_map(|(pointer, config)| Some((pointer, config.as_object()?)))
        .flat_map(|(pointer, config)| members_named(config, name, &pointer))
        .collect()
}

/// One step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
