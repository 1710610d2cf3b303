//! What `edgemart try` is told: what to try, how the environment is set up, and how one watches.

use std::net::IpAddr;
use std::path::PathBuf;

use certify::Expected;
use domain::create_options::CreateOptions;
use domain::offer::ModuleKind;
use domain::overlay::{Call, Feed};
use edge::runner::{Pace, Plan, Restart};
use serde_json::{Map, Value};

use super::limits::LimitOptions;
use crate::verbs::failure::{Exit, Failure};
use crate::verbs::module::setting;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart try contoso.temperature-sensor\n  edgemart try contoso/sensor:1.0 --with filter=contoso/filter:1.0 --route 'FROM /messages/modules/module1/* INTO BrokeredEndpoint(\"/modules/filter/inputs/in\")'\n  edgemart try my-offer --image sensor:dev\n  edgemart try -- python3 main.py\n  edgemart try my-offer --no-container",
    after_help = "A page on this machine shows messages with the routes they took, the twin, methods, inputs, what the module\nprints and what it takes; its address is printed first. In the terminal, type `help` for the same.\nCtrl-C stops the modules and removes everything. With --check the module goes through the steps of a certification."
)]
pub(crate) struct Options {
    /// A module of the marketplace (publisher.offer), an image (a name the engine knows or can pull, or an archive of
    /// one), or the folder of an offer.
    #[arg(value_name = "MODULE|IMAGE|OFFER-DIR", conflicts_with = "command")]
    pub(super) what: Option<String>,
    /// Module id; otherwise the one of the offer, or module1.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Another module beside it, by its module id; may be given several times.
    #[arg(
        long = "with",
        value_name = "NAME=MODULE|IMAGE|OFFER-DIR",
        requires = "what"
    )]
    pub(super) beside: Vec<String>,
    /// A route instead of those of the modules; may be given several times. Without any, everything goes to $upstream.
    #[arg(long = "route", value_name = "ROUTE")]
    pub(super) routes: Vec<String>,
    /// Desired properties the module begins with, over its own: JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    pub(super) desired: Option<String>,
    /// Address the hub listens on for a program.
    #[arg(long, default_value = "127.0.0.1")]
    pub(super) address: IpAddr,
    /// Name by which a program reaches that address.
    #[arg(long, default_value = "localhost")]
    pub(super) gateway: String,
    /// Take the module through the steps of a certification instead, and judge it.
    #[arg(long, requires = "what", conflicts_with_all = ["beside", "no_container", "compose"])]
    pub(super) check: bool,
    /// Start no container: print the connection string and the CA file for a module in a debugger.
    #[arg(long, conflicts_with = "command")]
    pub(super) no_container: bool,
    /// Start no container: write a compose file for the modules, to be started with it while this runs.
    #[arg(
        long,
        value_name = "FILE",
        requires = "what",
        conflicts_with = "no_container"
    )]
    pub(super) compose: Option<PathBuf>,
    /// When a module that ended starts again, with the agent's pauses; by default `always` for images, `never` for a program.
    #[arg(long, value_enum)]
    pub(super) restart: Option<RestartPolicy>,
    /// Port of the page; by default any that is free.
    #[arg(long, value_name = "PORT")]
    pub(super) page: Option<u16>,
    /// No page, only the terminal.
    #[arg(long, conflicts_with = "page")]
    pub(super) no_page: bool,
    #[command(flatten)]
    pub(super) choice: Choice,
    #[command(flatten)]
    pub(super) contained: Contained,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
    /// Program to start as the module, with its arguments.
    #[arg(last = true)]
    pub(super) command: Vec<String>,
}

/// Which part of an offer, and with which values.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Which part of a module or offer")]
pub(crate) struct Choice {
    /// Plan; may be left out when there is only one.
    #[arg(long, requires = "what")]
    pub(super) plan: Option<String>,
    /// Version X.Y.Z of a module; the newest when left out.
    #[arg(long, requires = "what")]
    pub(super) version: Option<String>,
    /// Value for a placeholder, such as MY_SERVER_IP_ADDRESS=192.0.2.10; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, requires = "what")]
    pub(super) set: Vec<(String, String)>,
    /// Image of an offer's folder, instead of the one in its registry.
    #[arg(long, requires = "what")]
    pub(super) image: Option<String>,
}

/// What a module is given, and is said to do.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the module is, and how it runs in a container")]
pub(crate) struct Contained {
    /// Address of the container engine; Docker's or Podman's socket is found by itself.
    #[arg(long, env = "EDGEMART_ENGINE", value_name = "unix:///PATH")]
    pub(super) engine: Option<String>,
    /// What the module does with messages; without it, what inputs and outputs suggest.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// An input the module reads; with --check it gets a message.
    #[arg(long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// An output the module writes.
    #[arg(long = "output-name", value_name = "NAME")]
    outputs: Vec<String>,
    /// A method the module answers; with --check it is called.
    #[arg(long = "method", value_name = "NAME")]
    methods: Vec<String>,
    /// A host the module may ask for.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// `publisher.offer.plan`, which its ProductInfo has to name.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// An environment variable of the module.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// createOptions instead of its own: JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    create_options: Option<String>,
    /// With --check: seconds the module is watched before anything is done to it.
    #[arg(long, value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    settle: u64,
    /// With --check: seconds the hub is away.
    #[arg(long, value_name = "SECONDS", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=600))]
    outage: u64,
    /// With --check: seconds in which it has to renew its token by itself, after all else; RUN-19 is not run without.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    long_run: Option<u64>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    Source,
    Filter,
    Sink,
    Companion,
}

/// The words of the deployment manifest.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

impl From<RestartPolicy> for Restart {
    fn from(policy: RestartPolicy) -> Self {
        match policy {
            RestartPolicy::Always => Self::Always,
            RestartPolicy::OnFailure => Self::OnFailure,
            RestartPolicy::Never => Self::Never,
        }
    }
}

impl Options {
    /// What holds for a module beside the one that is tried: values for placeholders, and no more.
    pub(super) fn of_beside(&self) -> Choice {
        Choice {
            set: self.choice.set.clone(),
            ..Choice::default()
        }
    }

    /// Puts what was said on the command line over what a module has of its own.
    ///
    /// `kind_known`: the offer says what its module does with messages.
    pub(super) fn refine(&self, plan: &mut Plan, kind_known: bool) -> Result<(), Failure> {
        let given = &self.contained;
        if let Some(desired) = &self.desired {
            plan.desired.extend(object(desired)?);
        }
        plan.variables.extend(given.variables()?);
        if let Some(text) = &given.create_options {
            plan.create_options = CreateOptions::parse(&from_file(text)?).map_err(|e| {
                Failure::new(Exit::Invalid, "the createOptions are not taken").why(e)
            })?;
        }
        if !self.routes.is_empty() {
            plan.routes = numbered(&self.routes);
        }
        given.refine(&mut plan.expected, kind_known);
        let feed = |name: &String| Feed {
            name: name.clone(),
            body: None,
            properties: Default::default(),
        };
        plan.feeds.extend(given.inputs.iter().map(feed));
        plan.calls.extend(given.methods.iter().map(|name| Call {
            name: name.clone(),
            payload: Value::Null,
        }));
        plan.expected.desired = plan.desired.keys().cloned().collect();
        plan.pace = Pace {
            settle: std::time::Duration::from_secs(given.settle),
            outage: std::time::Duration::from_secs(given.outage),
            renewal_max: std::time::Duration::from_secs(given.long_run.unwrap_or_default()),
            ..plan.pace
        };
        Ok(())
    }
}

impl Contained {
    fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        let variable = |text: &String| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(
                Failure::new(Exit::Usage, format!("{text:?} is no environment variable"))
                    .fix("write --env NAME=VALUE"),
            ),
        };
        self.variables.iter().map(variable).collect()
    }

    /// What the module is said to do, over what its offer says.
    fn refine(&self, expected: &mut Expected, kind_known: bool) {
        let add = |known: &mut Vec<String>, given: &[String]| {
            for name in given {
                if !known.contains(name) {
                    known.push(name.clone());
                }
            }
        };
        add(&mut expected.outputs, &self.outputs);
        add(&mut expected.inputs, &self.inputs);
        add(&mut expected.methods, &self.methods);
        add(&mut expected.hosts, &self.hosts);
        if self.product.is_some() {
            expected.product.clone_from(&self.product);
        }
        if self.kind.is_some() || !kind_known {
            expected.kind = self.kind_of(expected);
        }
    }

    fn kind_of(&self, expected: &Expected) -> ModuleKind {
        match self.kind {
            Some(Kind::Source) => ModuleKind::Source,
            Some(Kind::Filter) => ModuleKind::Filter,
            Some(Kind::Sink) => ModuleKind::Sink,
            Some(Kind::Companion) => ModuleKind::Companion,
            None => match (expected.inputs.is_empty(), expected.outputs.is_empty()) {
                (true, _) => ModuleKind::Source,
                (false, true) => ModuleKind::Sink,
                (false, false) => ModuleKind::Filter,
            },
        }
    }
}

/// Routes with names.
pub(super) fn numbered(given: &[String]) -> Vec<(String, String)> {
    (1..)
        .map(|number: usize| format!("route{number}"))
        .zip(given.iter().cloned())
        .collect()
}

/// The text, or what is in the file of `@FILE`.
fn from_file(text: &str) -> Result<String, Failure> {
    match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Failure::new(Exit::NotFound, format!("{path} cannot be read")).why(e)),
        None => Ok(text.to_owned()),
    }
}

/// JSON, or `@FILE` with it.
fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    let read = from_file(text)?;
    serde_json::from_str(&read).map_err(|e| {
        Failure::new(Exit::Invalid, "the desired properties are no JSON object")
            .why(e)
            .fix("write --desired '{\"interval\": 5}', or --desired @FILE")
    })
}
