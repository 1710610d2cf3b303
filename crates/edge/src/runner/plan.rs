//! What is to be run, and how long each step may take.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::behaviour::Expected;
use domain::create_options::CreateOptions;
use domain::overlay::{Call, Feed};
use serde_json::{Map, Value};

use crate::ModuleSettings;

/// One module to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Module id.
    pub module: String,
    /// Name or id of the image, as the engine knows it.
    pub image: String,
    /// Bytes of the image as pulled, if that is known.
    pub compressed_bytes: Option<u64>,
    /// Routes by name.
    pub routes: Vec<(String, String)>,
    /// Desired properties it begins with.
    pub desired: Map<String, Value>,
    /// Environment variables of the manifest.
    pub variables: Vec<(String, String)>,
    /// createOptions of the manifest.
    pub create_options: CreateOptions,
    /// What it is said to do: decides how it is judged.
    pub expected: Expected,
    /// What is put before its inputs, in this order.
    pub feeds: Vec<Feed>,
    /// Which methods are called, in this order.
    pub calls: Vec<Call>,
    /// What it may take.
    pub limits: Limits,
    /// How long each step takes.
    pub pace: Pace,
}

/// createOptions ask for more than the module can be given: to run it with less would say nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "its createOptions ask for {asked} bytes of memory (HostConfig.Memory), and a trial is given {most} at most; certification.memory_bytes_max of the marketplace, or --memory-max of the command, gives more"
)]
pub struct TooMuch {
    /// Bytes asked for.
    pub asked: u64,
    /// Bytes given.
    pub most: u64,
}

impl Plan {
    /// Whether the module can be given what it asks for.
    ///
    /// # Errors
    /// It asks for more.
    pub fn fits(&self) -> Result<(), TooMuch> {
        let most = self.limits.memory_bytes_max;
        match self.create_options.memory_bytes_max() {
            Some(asked) if asked > most => Err(TooMuch { asked, most }),
            _ => Ok(()),
        }
    }
}

/// Routes and modules of one environment for all of these.
pub fn together<'a>(
    plans: impl IntoIterator<Item = &'a Plan>,
) -> (BTreeMap<String, String>, Vec<ModuleSettings>) {
    let mut routes = BTreeMap::new();
    let mut modules = Vec::new();
    for plan in plans {
        for (name, text) in &plan.routes {
            // Two modules may have a route of one name; both are meant.
            let name = match routes.get(name) {
                Some(known) if known != text => format!("{name}-{}", plan.module),
                _ => name.clone(),
            };
            routes.insert(name, text.clone());
        }
        modules.push(ModuleSettings {
            name: plan.module.clone(),
            desired: plan.desired.clone(),
        });
    }
    (routes, modules)
}

/// What a module may take, unless its createOptions ask for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory_bytes_max: u64,
    /// Processor time a second, in billionths of a core.
    pub nano_cpus_max: u64,
    /// Processes and threads.
    pub processes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 512 * 1024 * 1024,
            nano_cpus_max: 1_000_000_000,
            processes_max: 256,
        }
    }
}

/// How long each step takes, or may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From its start until it is connected, at most.
    pub connect_max: Duration,
    /// From then until a source has sent something by itself, at most (RUN-06).
    pub first_message_max: Duration,
    /// Watched after that, with nothing done to it.
    pub settle: Duration,
    /// For a reaction: a report, a message taken, a message sent.
    pub reaction_max: Duration,
    /// For the answer of a method.
    pub method_max: Duration,
    /// The hub is away for so long.
    pub outage: Duration,
    /// From the hub's return until the module is connected again, at most.
    pub return_max: Duration,
    /// After all that, until the module has renewed its token by itself, at most; zero: nobody waits for that.
    pub renewal_max: Duration,
    /// From SIGTERM to its end, at most.
    pub stop_max: Duration,
    /// Between two samples of what it takes.
    pub sample: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect_max: Duration::from_secs(20),
            first_message_max: Duration::from_secs(60),
            settle: Duration::from_secs(8),
            reaction_max: Duration::from_secs(8),
            method_max: Duration::from_secs(10),
            outage: Duration::from_secs(12),
            return_max: Duration::from_secs(30),
            renewal_max: Duration::ZERO,
            stop_max: Duration::from_secs(10),
            sample: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_than_there_is_is_told_with_what_gives_more() {
        let asks = |bytes: u64| {
            let text = format!(r#"{{"HostConfig":{{"Memory":{bytes}}}}}"#);
            let create_options = CreateOptions::parse(&text).expect("createOptions");
            let plan = crate::runner::plain("m");
            Plan {
                create_options,
                ..plan
            }
        };
        let most = Limits::default().memory_bytes_max;
        assert_eq!(asks(most).fits(), Ok(()));
        assert_eq!(crate::runner::plain("m").fits(), Ok(()));
        let why = asks(most + 1).fits().expect_err("too much").to_string();
        for word in ["536870913", "memory_bytes_max", "--memory-max"] {
            assert!(why.contains(word), "{word} in {why}");
        }
    }

    #[test]
    fn routes_of_one_name_are_both_kept() {
        let plan = |module: &str, route: &str| Plan {
            routes: vec![("up".into(), route.into())],
            ..crate::runner::plain(module)
        };
        let (routes, modules) = together([&plan("a", "one"), &plan("b", "two"), &plan("c", "one")]);
        let names: Vec<&str> = modules.iter().map(|module| &*module.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let found: Vec<_> = routes
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, [("up", "one"), ("up-b", "two")]);
    }
}
